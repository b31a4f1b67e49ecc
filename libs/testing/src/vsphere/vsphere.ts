import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { PeerFailed } from '../errors.js';
import { freePort, OwnedProcess } from '../processes/index.js';
import { temporaryFolder } from '../temporary-folder.js';
import { vsphereBinary } from './installed.js';
import { type StartOptions, configuration } from './options.js';
import type {
  VsphereChange,
  VsphereEffect,
  VsphereFault,
  VsphereTools,
  VsphereVm,
  VsphereVmSpec,
  VsphereWriter,
} from './wire.js';

interface Certificate {
  readonly thumbprint: string;
  readonly thumbprint256: string;
  readonly caFile: string;
}

/**
 * A simulated vCenter, or ESXi host, as a process of a test. Its addresses stay the same over restarts. VMs are named
 * by their name or by their managed object id.
 */
export class Vsphere implements AsyncDisposable {
  /** `https://127.0.0.1:PORT/sdk` */
  readonly url: string;
  readonly port: number;
  readonly kind: 'vcenter' | 'esxi';
  /** An administrator. */
  readonly admin: { readonly user: string; readonly password: string };
  readonly process: OwnedProcess;
  /** Where the files of its datastores lie, which the stand-in for VDDK reads. */
  readonly dataFolder: string;
  readonly #control: string;
  readonly #cleanUp: () => Promise<void>;
  #certificate: Certificate = { thumbprint: '', thumbprint256: '', caFile: '' };

  private constructor(
    port: number,
    kind: Vsphere['kind'],
    control: string,
    admin: Vsphere['admin'],
    owned: OwnedProcess,
    dataFolder: string,
    cleanUp: () => Promise<void>,
  ) {
    this.url = `https://127.0.0.1:${port}/sdk`;
    this.port = port;
    this.kind = kind;
    this.admin = admin;
    this.process = owned;
    this.dataFolder = dataFolder;
    this.#control = control;
    this.#cleanUp = cleanUp;
  }

  /** Starts it and waits until it answers. @throws PeerMissing, PeerFailed when it does not start */
  static async start(options: StartOptions = {}): Promise<Vsphere> {
    const binary = vsphereBinary();
    const folder = temporaryFolder('vsphere');
    const [port, controlPort] = [options.port ?? (await freePort()), await freePort()];
    const dataFolder = folder.file('data');
    const { config, admin } = configuration(options, port, controlPort, dataFolder);
    // A file, for a password in the arguments could be read by everyone on the machine.
    await writeFile(folder.file('config.json'), JSON.stringify(config), { mode: 0o600 });
    const args = ['-config', folder.file('config.json')];
    const owned = await OwnedProcess.start({ name: 'vsim', command: binary, args });
    const control = `http://127.0.0.1:${controlPort}`;
    const kind = options.esxi === true ? 'esxi' : 'vcenter';
    const cleanUp = (): Promise<void> => folder.remove();
    const vsphere = new Vsphere(port, kind, control, admin, owned, dataFolder, cleanUp);
    try {
      await vsphere.#ready();
    } catch (error) {
      await vsphere.stop();
      throw error;
    }
    return vsphere;
  }

  /** SHA-1 of the certificate, as VDDK wants it: `52:6C:…`. */
  get thumbprint(): string {
    return this.#certificate.thumbprint;
  }

  /** SHA-256 of it. */
  get thumbprint256(): string {
    return this.#certificate.thumbprint256;
  }

  /** PEM of who signed the certificate. */
  get caFile(): string {
    return this.#certificate.caFile;
  }

  /** Ends it, and removes its folder. */
  async stop(): Promise<void> {
    await this.process.stop();
    await this.process.killGroup();
    await this.#cleanUp();
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.process.kill();
  }

  /** Starts it again as it was at first: what was done to VMs is lost. For a vCenter that restarts see `outage`. */
  async restart(): Promise<void> {
    await this.process.restart();
    await this.#ready();
  }

  vm(name: string): Promise<VsphereVm> {
    return this.#ask('GET', `/vms/${encodeURIComponent(name)}`);
  }

  /** Makes a VM while it runs. */
  addVm(spec: VsphereVmSpec): Promise<VsphereVm> {
    return this.#ask('POST', '/vms', { disks: [{ capacityBytes: 16 * 1024 * 1024, fill: 0.25 }], ...spec });
  }

  /** Sets a rule for the next calls that match. */
  fault(fault: VsphereFault): Promise<void> {
    return this.#ask('POST', '/faults', fault);
  }

  clearFaults(): Promise<void> {
    return this.#ask('DELETE', '/faults');
  }

  /** Every session ends: the next call of each is answered with NotAuthenticated. */
  expireSessions(): Promise<void> {
    return this.#ask('POST', '/expire-sessions');
  }

  /** vCenter restarts: sessions end, and every connection is cut for so long. VMs and tasks stay. */
  outage(ms: number): Promise<void> {
    return this.#ask('POST', '/outage', { ms });
  }

  /** Voids every change id of the VM's disks. */
  resetCbt(vm: string): Promise<void> {
    return this.#act(vm, 'reset-cbt');
  }

  /** A snapshot that somebody else makes. */
  snapshotOf(vm: string, name: string): Promise<void> {
    return this.#act(vm, 'snapshot', { name });
  }

  /** Gives the VM the disks of one of its snapshots. Snapshots have no memory here, so it is off afterwards. */
  revert(vm: string, snapshot: string): Promise<void> {
    return this.#act(vm, 'revert', { name: snapshot });
  }

  /** Forgets all events of before now: a vCenter after its retention time. A host forgets by itself. */
  forgetEvents(): Promise<void> {
    return this.#ask('POST', '/forget-events');
  }

  /** Takes the VM's storage away, or brings it back: meanwhile nothing is known of its configuration and snapshots. */
  setStorage(vm: string, storage: 'away' | 'back'): Promise<void> {
    return this.#act(vm, 'configure', { inaccessible: storage === 'away' });
  }

  /** Moves the VM to another host; by name or managed object id. */
  vmotion(vm: string, host: string): Promise<void> {
    return this.#act(vm, 'relocate', { host });
  }

  /** Moves all disk files to another datastore (there are `LocalDS_0` and `LocalDS_1`). */
  storageVmotion(vm: string, datastore: string): Promise<void> {
    return this.#act(vm, 'relocate', { datastore });
  }

  growDisk(vm: string, key: number, capacityBytes: number): Promise<void> {
    return this.#act(vm, 'grow-disk', { key, capacityBytes });
  }

  addDisk(vm: string, capacityBytes: number): Promise<void> {
    return this.#act(vm, 'add-disk', { capacityBytes });
  }

  removeDisk(vm: string, key: number): Promise<void> {
    return this.#act(vm, 'remove-disk', { key });
  }

  renameVm(vm: string, name: string): Promise<void> {
    return this.#act(vm, 'rename', { name });
  }

  deleteVm(vm: string): Promise<void> {
    return this.#act(vm, 'delete');
  }

  powerOn(vm: string): Promise<void> {
    return this.#act(vm, 'power-on');
  }

  powerOff(vm: string): Promise<void> {
    return this.#act(vm, 'power-off');
  }

  /** What the guest tells by VMware Tools. */
  setGuest(vm: string, tools: VsphereTools): Promise<void> {
    return this.#act(vm, 'configure', { tools });
  }

  /** From now on the guest does nothing when it is asked to shut down. */
  ignoreShutdown(vm: string): Promise<void> {
    return this.#act(vm, 'configure', { ignoreShutdown: true });
  }

  /** Sets the writer; none with 0 rounds a second. */
  writer(vm: string, writer: VsphereWriter): Promise<void> {
    return this.#act(vm, 'configure', { writer });
  }

  /** Runs a command in a real guest, once it is up. @returns what it printed */
  async tellGuest(vm: string, command: string): Promise<string> {
    const told: { readonly output: string } = await this.#act(vm, 'guest', { command });
    return told.output;
  }

  /**
   * Gives a VM, its host or its cluster what no other call brings about. Such devices are there to be seen, and not to be
   * read or moved.
   */
  set(vm: string, { of, properties = {}, devices = [] }: VsphereChange): Promise<void> {
    const changes = Object.entries(properties).map(([name, val]) => ({ name, val }));
    return this.#act(vm, 'set', { of, properties: changes, devices });
  }

  /** What was really done, in order. */
  journal(): Promise<readonly VsphereEffect[]> {
    return this.#ask('GET', '/journal');
  }

  /** How often each SOAP method was called. */
  calls(): Promise<Readonly<Record<string, number>>> {
    return this.#ask('GET', '/calls');
  }

  /**
   * Whether the simulator has locked up, and will never answer again: vcsim's ContainerView.PutObject and
   * PropertyFilter.update take two locks in both orders (govmomi 0.56; seen once in some 200 migrations). Makes a VM to see.
   */
  async isLockedUp(withinMs = 30_000): Promise<boolean> {
    const made = this.addVm({ name: `probe-${Date.now()}`, disks: [] }).then(
      () => 'made',
      () => 'refused',
    );
    const limit = new AbortController();
    const late = delay(withinMs, 'late', { signal: limit.signal }).catch(() => 'late');
    const first = await Promise.race([made, late]);
    limit.abort();
    return first === 'late';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #ready(): Promise<void> {
    const line = await this.process.waitForLine(/^\{"caFile"/, 120_000);
    this.#certificate = JSON.parse(line) as Certificate;
  }

  #act<T>(vm: string, action: string, body: object = {}): Promise<T> {
    return this.#ask('POST', `/vms/${encodeURIComponent(vm)}/${action}`, body);
  }

  async #ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.#control}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new PeerFailed('vsim', `${method} ${path}: ${text.trim()}`, this.process.output);
    return JSON.parse(text) as T;
  }
}

/** Starts a simulated vSphere and waits until it answers. @throws PeerMissing, PeerFailed when it does not start */
export function startVsphere(options: StartOptions = {}): Promise<Vsphere> {
  return Vsphere.start(options);
}
