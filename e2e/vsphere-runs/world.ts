import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Vsphere, startVsphere, vddkPlugin } from '@ledgerlift/testing';
import { HookAnswers, HookJournal } from '../faults/rules/answers.js';
import { Installation } from '../installation/installation.js';
import { root } from '../installation/root.js';

/** An installation, and a vSphere that it migrates from. */
export class World implements AsyncDisposable {
  /** What is done to a service is done one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly at: Installation,
    readonly vsphere: Vsphere,
    readonly hookJournal: HookJournal,
    readonly answers: HookAnswers,
  ) {}

  /** @param kind a vCenter with its hosts, or one host without a vCenter */
  static async start(kind: 'vcenter' | 'esxi'): Promise<World> {
    const vsphere = await startVsphere({ vms: 0, maxAreas: 5, esxi: kind === 'esxi' });
    const { plugin, libdir } = vddkPlugin();
    const at = await Installation.start({
      env: {
        LEDGERLIFT_VDDK_DIR: libdir,
        LEDGERLIFT_VDDK_PLUGIN: plugin,
        LEDGERLIFT_VDDK_READS: vsphere.dataFolder,
        LEDGERLIFT_HOOKS_DIR: join(root, 'e2e', 'faults', 'rules', 'commands'),
      },
      secrets: { vcenter: vsphere.admin },
    });
    await at.prepare({
      source: {
        name: 'vcenter',
        type: 'vsphere',
        secret: { name: 'vcenter' },
        settings: { url: vsphere.url, thumbprint: vsphere.thumbprint, sdkEndpoint: kind },
      },
      storage: 'LocalDS_0',
    });
    const hookJournal = new HookJournal(at.folder.file('hooks'));
    return new World(at, vsphere, hookJournal, await HookAnswers.start(hookJournal));
  }

  /** kill -9, and a new start. */
  killed(service: 'transfer' | 'planner'): Promise<void> {
    const mine = this.#turn.then(() => this.at.service(service).restart());
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** kill -9 of every nbdkit that reads a disk for the installation. */
  killNbdkit(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        const isOurs = command.some((each) => each === `port=${this.vsphere.port}`);
        if (command[0]?.endsWith('nbdkit') === true && isOurs) process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    await this.answers[Symbol.asyncDispose]();
    await this.at[Symbol.asyncDispose]();
    await this.vsphere.stop();
  }
}
