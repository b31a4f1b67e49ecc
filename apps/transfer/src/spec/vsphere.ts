import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ProviderSpec } from '@ledgerlift/contracts';
import { closeSources, sourceProvider } from '@ledgerlift/providers';
import {
  type TemporaryFolder,
  type Vsphere,
  type VsphereOptions,
  startVsphere,
  temporaryFolder,
  vddkPlugin,
} from '@ledgerlift/testing';
import { type RecordOptions, Run, recordOf } from './run.js';

interface User {
  readonly user: string;
  readonly password: string;
}

interface Around {
  readonly provider?: ProviderSpec;
  readonly settings?: RecordOptions['settings'];
}

export const withVddk = (): Record<string, string> => {
  const { plugin, libdir } = vddkPlugin();
  return { LEDGERLIFT_VDDK_DIR: libdir, LEDGERLIFT_VDDK_PLUGIN: plugin };
};

/** A simulated vSphere, and migrations of its VMs into a folder. */
export class VsphereWorld {
  #secrets = 0;

  private constructor(
    readonly vsphere: Vsphere,
    readonly folder: TemporaryFolder,
  ) {}

  static async start(options: VsphereOptions): Promise<VsphereWorld> {
    const folder = temporaryFolder('vsphere-transfer');
    process.env['LEDGERLIFT_SECRETS_DIR'] = folder.file('secrets');
    return new VsphereWorld(await startVsphere(options), folder);
  }

  async end(): Promise<void> {
    await closeSources();
    await this.vsphere.stop();
    await this.folder.remove();
  }

  secretOf({ user, password }: User): { readonly name: string } {
    const name = `secret-${(this.#secrets += 1)}`;
    const folder = join(this.folder.file('secrets'), name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'user'), user);
    writeFileSync(join(folder, 'password'), password);
    return { name };
  }

  /** Verified by the CA unless the settings say otherwise; logs in as the administrator. */
  provider(settings: object = { caCertificate: readFileSync(this.vsphere.caFile, 'utf8') }): ProviderSpec {
    return ProviderSpec.parse({
      type: 'vsphere',
      name: 'vcenter',
      secret: this.secretOf(this.vsphere.admin),
      settings: { url: this.vsphere.url, ...settings },
    });
  }

  /** A migration whose disks are allocated. */
  async run(
    vm: string,
    env: Record<string, string>,
    { provider = this.provider(), settings }: Around = {},
  ): Promise<Run> {
    const { moref } = await this.vsphere.vm(vm);
    const found = await sourceProvider('vsphere')?.currentVm(provider, moref);
    if (found === undefined) throw new Error(`there is no VM ${vm}`);
    const root = this.folder.file(`target-${(this.#secrets += 1)}`);
    mkdirSync(root);
    const run = new Run(
      recordOf({ url: provider, vm: found, root, ...(settings === undefined ? {} : { settings }) }),
      { LEDGERLIFT_VDDK_READS: this.vsphere.dataFolder, ...env },
    );
    await run.ask('Initialize');
    await run.ask('DiskAllocation');
    return run;
  }

  /** The current bytes of a VM's disk in the simulator. */
  async bytesOf(vm: string, disk = 0): Promise<Buffer> {
    return readFile((await this.vsphere.vm(vm)).disks[disk]?.hostFile ?? '');
  }
}

/** The bytes at the target. */
export const arrived = (run: Run, disk = 0): Promise<Buffer> => {
  const { path } = run.record.target.settings as { readonly path: string };
  return readFile(join(path, run.record.disks[disk]?.name ?? ''));
};

/** Waits for nbdkits that this process started. @returns their process ids; none after the time limit */
export async function nbdkits(patienceMs = 15_000): Promise<readonly number[]> {
  for (const deadline = performance.now() + patienceMs; ;) {
    const found: number[] = [];
    for (const entry of await readdir('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const cmdline = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
      if (!cmdline.startsWith('nbdkit\0') || !cmdline.includes('--readonly')) continue;
      // The sandbox is their parent.
      const sandbox = await parentOf(Number(entry));
      if (sandbox !== undefined && (await parentOf(sandbox)) === process.pid) found.push(Number(entry));
    }
    if (found.length > 0 || performance.now() > deadline) return found;
    await delay(10);
  }
}

async function parentOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
