import type { SourceVm } from '@ledgerlift/contracts';
import { abortable } from '../../waiting.js';
import { VsphereFault } from '../errors.js';
import type { VsphereSession } from '../session.js';
import type { ObjectRef, VimNode } from '../soap/node.js';
import { propertiesOf } from '../soap/properties.js';
import { until } from '../soap/tasks.js';
import { isFault, vmRef } from '../vm.js';
import { VsphereLeaseLost } from './errors.js';

/** Where one disk of an export is. Its address is a credential: whoever knows it reads the disk. */
export interface DeviceUrl {
  /** Such as `/vm-62/VirtualLsiLogicController0:1`. */
  readonly key: string;
  readonly importKey: string;
  readonly targetId: string;
  readonly url: string;
  /** SHA-1 of the certificate of whoever serves it, which may be a host; empty where it is not said. */
  readonly thumbprint: string;
}

/** An export of a VM, for all who read its disks in this process: vSphere gives one at a time. */
export interface Lease {
  /** Of disks, in the order of the VM's devices. */
  readonly disks: readonly DeviceUrl[];
  /** Aborts when the lease has ended before its time. */
  readonly lost: AbortSignal;
  /** Counts what has arrived, for those who watch in vSphere. */
  arrived(bytes: number): void;
  /** What the server says of the files that it has sent. */
  manifest(signal: AbortSignal): Promise<readonly SentFile[]>;
}
export interface SentFile {
  /** The device's key, import key or target id: servers differ. */
  readonly key: string;
  readonly sha1: string;
  readonly size: number;
}

const READY_MS = 120_000;
const END_MS = 5000;
/** A lease ends after its timeout without a sign of progress; this often within it, one is given. */
const SIGNS = 3;

interface Open {
  readonly opening: Promise<OpenLease>;
  users: number;
  /** Somebody was not content with what it gave. */
  isBroken: boolean;
}

const open = new WeakMap<VsphereSession, Map<string, Open>>();

/**
 * Uses an export of a VM that is off; it is begun for the first who does and ended after the last: completed where all
 * were content, else aborted. While it lasts, the VM cannot be powered on.
 *
 * @throws VsphereLeaseLost; what `use` throws; the signal's reason
 */
export async function withLease<T>(
  session: VsphereSession,
  vm: SourceVm,
  signal: AbortSignal,
  use: (lease: Lease) => Promise<T>,
): Promise<T> {
  const ofSession = open.get(session) ?? new Map<string, Open>();
  open.set(session, ofSession);
  const lease: Open = ofSession.get(vm.id) ?? { opening: begin(session, vm), users: 0, isBroken: false };
  ofSession.set(vm.id, lease);
  lease.users += 1;
  try {
    return await use(await abortable(lease.opening, signal));
  } catch (error) {
    lease.isBroken = true;
    // Nobody begins on what is about to end.
    if (ofSession.get(vm.id) === lease) ofSession.delete(vm.id);
    throw error;
  } finally {
    lease.users -= 1;
    if (lease.users === 0) {
      if (ofSession.get(vm.id) === lease) ofSession.delete(vm.id);
      const opened = await lease.opening.catch(() => undefined);
      await opened?.end(lease.isBroken ? 'HttpNfcLeaseAbort' : 'HttpNfcLeaseComplete');
    }
  }
}

/** Not ended by the signal of one who waits, so that no lease is begun that nobody ends. */
async function begin(session: VsphereSession, vm: SourceVm): Promise<OpenLease> {
  const signal = AbortSignal.timeout(READY_MS);
  const ref = (await session.call('ExportVm', vmRef(vm), {}, { signal })).refAt('returnval');
  if (ref === undefined) throw new VsphereLeaseLost(vm.name, 'vSphere gave none');
  try {
    const info = await until(`the export of ${vm.name}`, { signal, timeLimitMs: READY_MS }, async () => {
      const properties = await propertiesOf(session, ref, ['state', 'info', 'error'], signal);
      const state = properties.get('state')?.text;
      if (state === 'error')
        throw new VsphereLeaseLost(
          vm.name,
          properties.get('error')?.textAt('localizedMessage') ?? 'it is not said why',
        );
      return state === 'ready' ? properties.get('info') : undefined;
    });
    return new OpenLease(session, vm, ref, info);
  } catch (error) {
    await ended(session, ref, 'HttpNfcLeaseAbort');
    throw error;
  }
}

class OpenLease implements Lease {
  readonly disks: readonly DeviceUrl[];
  readonly #lost = new AbortController();
  readonly #signs: NodeJS.Timeout;
  readonly #capacity: number;
  #arrived = 0;

  constructor(
    private readonly session: VsphereSession,
    private readonly vm: SourceVm,
    private readonly ref: ObjectRef,
    info: VimNode,
  ) {
    this.disks = info
      .list('deviceUrl')
      .flatMap((node) => (node.flagAt('disk') === true ? [deviceOf(node)] : []));
    this.#capacity = (info.numberAt('totalDiskCapacityInKB') ?? 0) * 1024;
    const everyMs = Math.floor(((info.numberAt('leaseTimeout') ?? 300) * 1000) / SIGNS);
    this.#signs = setInterval(() => void this.#sign(everyMs), everyMs);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  arrived(bytes: number): void {
    this.#arrived += bytes;
  }

  async manifest(signal: AbortSignal): Promise<readonly SentFile[]> {
    try {
      const answer = await this.session.call('HttpNfcLeaseGetManifest', this.ref, {}, { signal });
      return answer.list('returnval').map((entry) => ({
        key: entry.textAt('key') ?? '',
        sha1: entry.textAt('sha1') ?? '',
        size: entry.numberAt('size') ?? 0,
      }));
    } catch (error) {
      // Servers may have none; what arrived is looked at all the same.
      if (isFault(error, 'NotImplemented', 'NotSupported', 'InvalidState')) return [];
      throw error;
    }
  }

  async end(how: 'HttpNfcLeaseComplete' | 'HttpNfcLeaseAbort'): Promise<void> {
    clearInterval(this.#signs);
    await ended(this.session, this.ref, how);
  }

  async #sign(limitMs: number): Promise<void> {
    // Streams are compressed, so this is no more than vSphere's own console needs.
    const share = this.#capacity === 0 ? 0 : this.#arrived / this.#capacity;
    const args = { percent: Math.min(99, Math.floor(share * 100)) };
    try {
      await this.session.call('HttpNfcLeaseProgress', this.ref, args, {
        signal: AbortSignal.timeout(limitMs),
      });
    } catch (error) {
      // What did not reach the server is said again.
      if (error instanceof VsphereFault)
        this.#lost.abort(new VsphereLeaseLost(this.vm.name, `${error.fault} (${error.says})`));
    }
  }
}

/** Never throws: a lease that cannot be ended ends by itself. */
async function ended(
  session: VsphereSession,
  lease: ObjectRef,
  how: 'HttpNfcLeaseComplete' | 'HttpNfcLeaseAbort',
): Promise<void> {
  const options = { signal: AbortSignal.timeout(END_MS) };
  await session.call(how, lease, {}, options).catch(() => undefined);
}

const deviceOf = (node: VimNode): DeviceUrl => ({
  key: node.textAt('key') ?? '',
  importKey: node.textAt('importKey') ?? '',
  targetId: node.textAt('targetId') ?? '',
  url: node.textAt('url') ?? '',
  thumbprint: (node.textAt('sslThumbprint') ?? '').toUpperCase(),
});
