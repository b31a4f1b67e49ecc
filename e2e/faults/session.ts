import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { LabHypervisor, buildOva, freePort, makeSmallDisk } from '@ledgerlift/testing';
import { Installation, SERVICES } from '../installation/installation.js';
import { Proxy } from './proxy.js';

const MiB = 1024 * 1024;
/** So small that it can be filled in a moment. */
const DISK_MIB = 192;

/**
 * Everything that a few runs need: an installation whose services reach NATS through a proxy, whose target is a small disk
 * of its own, and whose source is a lab.
 */
export class Session {
  private constructor(
    readonly at: Installation,
    readonly lab: LabHypervisor,
    readonly proxy: Proxy,
  ) {}

  static async start(): Promise<Session> {
    const proxyPort = await freePort();
    const lab = await LabHypervisor.start();
    let proxy: Proxy | undefined;
    const at = await Installation.start({
      env: { V2V_STUB_SECONDS: '0.3', LEDGERLIFT_NATS_URL: `nats://127.0.0.1:${proxyPort}` },
      beforeServices: async ({ folder, nats }) => {
        proxy = await Proxy.start(proxyPort, nats.port);
        const out = folder.file('out');
        execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'ledgerlift-faults', out]);
      },
    });
    if (proxy === undefined) throw new Error('the proxy was not started');
    const session = new Session(at, lab, proxy);
    await session.#prepare();
    return session;
  }

  get out(): string {
    return this.at.folder.file('out');
  }

  /** No room is left on the target's disk. */
  fillDisk(): void {
    try {
      writeFileSync(`${this.out}/filler`, Buffer.alloc(DISK_MIB * MiB));
    } catch {
      // Full is what it was to become.
    }
  }

  /** Undoes every fault that lasts, and starts whatever is dead. */
  async heal(): Promise<void> {
    for (const name of SERVICES) if (this.at.service(name).alive) this.at.service(name).resume();
    if (this.at.nats.process.alive) this.at.nats.resume();
    else await this.at.nats.restart();
    this.proxy.heal();
    this.writable('rw');
    rmSync(`${this.out}/filler`, { force: true });
    if (!this.lab.process.alive) await this.lab.restart();
    await this.lab.do('DELETE', '/faults');
    for (const name of SERVICES) if (!this.at.service(name).alive) await this.at.service(name).restart();
  }

  writable(how: 'rw' | 'ro'): void {
    try {
      execFileSync('mount', ['-o', `remount,${how}`, this.out], { stdio: 'ignore' });
    } catch {
      // Busy: files are open for writing, so it stays writable.
    }
  }

  async stop(): Promise<void> {
    await this.heal();
    await Promise.all(SERVICES.map((name) => this.at.service(name).stop()));
    this.proxy.close();
    execFileSync('umount', ['--lazy', this.out]);
    await this.at[Symbol.asyncDispose]();
    await this.lab.stop();
  }

  async #prepare(): Promise<void> {
    const { at, lab } = this;
    const ends = { target: 'out' };
    const raw = at.folder.file('ova.raw');
    await makeSmallDisk(raw, { size: 6 * MiB, seed: 9 });
    const nics = [{ network: 'VM Network' }];
    await buildOva({
      name: 'ova',
      folder: at.folder.file('ovas'),
      vms: [{ name: 'ova', disks: [{ raw }], nics }],
    });
    mkdirSync(at.folder.file('judged'));
    await at.prepare();
    const body = { name: 'lab', type: 'lab', settings: { url: lab.url } };
    await at.call('providers.create', { body });
    const mapping = { source: 'lab', ...ends };
    await at.call('mappings.create', {
      body: {
        kind: 'network',
        name: 'lab-nets',
        ...mapping,
        pairs: [{ source: 'VM Network', destination: { type: 'pod' } }],
      },
    });
    await at.call('mappings.create', {
      body: {
        kind: 'storage',
        name: 'lab-disks',
        ...mapping,
        pairs: [{ source: 'datastore1', destination: { storageClass: 'default' } }],
      },
    });
  }
}
