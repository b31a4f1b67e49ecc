import type { WorkerCapabilities } from '@ledgerlift/contracts';
import { lookForNbdkit } from '@ledgerlift/disk-transfer';
import type { DiskTools } from '@ledgerlift/providers';
import type { TransferSettings } from './config.js';

type Tool = WorkerCapabilities['tools'][number];

const FRESH_MS = 30_000;

/** What this worker has to read disks and to run hooks with. What was found is kept for half a minute. */
export class Tools {
  #kept: { readonly at: number; readonly found: Promise<DiskTools> } | undefined;
  #last: DiskTools | undefined;

  constructor(private readonly settings: TransferSettings) {}

  /** To read disks with. */
  now(): Promise<DiskTools> {
    if (this.#kept === undefined || performance.now() - this.#kept.at > FRESH_MS) {
      const found = lookForNbdkit(this.settings.vddk).then((tools) => (this.#last = tools));
      this.#kept = { at: performance.now(), found };
    }
    return this.#kept.found;
  }

  /** For the check of a plan, which waits for two seconds only: what was found last, while it is looked for anew. */
  async told(): Promise<Tool[]> {
    const looking = this.now();
    const { vddk, curl } = this.#last ?? (await looking);
    const { hooksFolder } = this.settings.hooks;
    return [
      'problem' in vddk
        ? { name: 'vddk', version: null, path: null, problem: vddk.problem }
        : { name: 'vddk', version: vddk.version, path: vddk.folder },
      'problem' in curl
        ? { name: 'nbdkit-curl', version: null, path: null, problem: curl.problem }
        : { name: 'nbdkit-curl', version: null, path: curl.plugin },
      hooksFolder === undefined
        ? { name: 'hooks', version: null, path: null, problem: 'LEDGERLIFT_HOOKS_DIR is not set' }
        : { name: 'hooks', version: null, path: hooksFolder },
    ];
  }
}
