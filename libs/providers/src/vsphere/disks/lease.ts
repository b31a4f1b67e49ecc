import type { SourceVm } from '@ledgerlift/contracts';
import { abortable } from '../../waiting.js';
import { VsphereFault } from '../errors.js';
import type { VsphereSession } from '../session.js';
import type { ObjectRef, VimNode } from '../soap/xml.js';
import { propertiesOf } from '../soap/properties.js';
import { until } from '../soap/tasks.js';
import { isFault, vmRef } from '../vm.js';
import { VsphereLeaseLost } from './errors.js';

/** Address of one disk of an export. It is a credential: anyone who knows it can read the disk. */
export interface DeviceUrl {
  /** Such as `/vm-62/VirtualLsiLogicController0:1`. */
  readonly key: string;
  readonly importKey: string;
  readonly targetId: string;
  readonly url: string;
  /** SHA-1 of the certificate of its server, which may be a host; empty if unknown. */
  readonly thumbprint: string;
}

/** An export of a VM, shared by all readers of its disks in this process, because vSphere allows one at a time. */
export interface Lease {
  /** Disks only, in the order of the VM's devices. */
  readonly disks: readonly DeviceUrl[];
  /** Aborts if the lease ends too early. */
  readonly lost: AbortSignal;
  /** Counts received bytes for the progress shown in vSphere. */
  arrived(bytes: number): void;
  /** Returns the server's list of the files that it has sent. */
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
/** How often to report progress within the lease's timeout, after which it would end. */
const SIGNS = 3;

interface Open {
  readonly opening: Promise<OpenLease>;
  users: number;
  /** A reader failed, so the lease must be aborted. */
  isBroken: boolean;
}

const open = new WeakMap<VsphereSession, Map<string, Open>>();

/**
 * Uses an export of a powered-off VM. The first user begins it. After the last it is completed if all succeeded, otherwise
 * aborted. While it lasts, the VM cannot be powered on.
 *
 * @throws VsphereLeaseLost; errors of `use`; the signal's reason
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
    // Remove it first, so that nobody joins a lease that is about to end.
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

/** Ignores the signals of waiting users, so that no begun lease is left open. */
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
      // Servers may lack a manifest; the received data is checked anyway.
      if (isFault(error, 'NotImplemented', 'NotSupported', 'InvalidState')) return [];
      throw error;
    }
  }

  async end(how: 'HttpNfcLeaseComplete' | 'HttpNfcLeaseAbort'): Promise<void> {
    clearInterval(this.#signs);
    await ended(this.session, this.ref, how);
  }

  async #sign(limitMs: number): Promise<void> {
    // Streams are compressed, so this is only a rough figure for vSphere's console.
    const share = this.#capacity === 0 ? 0 : this.#arrived / this.#capacity;
    const args = { percent: Math.min(99, Math.floor(share * 100)) };
    try {
      await this.session.call('HttpNfcLeaseProgress', this.ref, args, {
        signal: AbortSignal.timeout(limitMs),
      });
    } catch (error) {
      // A report that did not reach the server is repeated.
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
