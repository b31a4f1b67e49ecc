import type { WorkerCapabilities } from '@ledgerlift/contracts';
import { type DiskTools, lookForDiskTools } from '@ledgerlift/providers';
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
      const found = lookForDiskTools(this.settings.reading).then((tools) => (this.#last = tools));
      this.#kept = { at: performance.now(), found };
    }
    return this.#kept.found;
  }

  /** For the check of a plan, which waits for two seconds only: what was found last, while it is looked for anew. */
  async told(): Promise<Tool[]> {
    const looking = this.now();
    const tools = this.#last ?? (await looking);
    const { hooksFolder } = this.settings.hooks;
    return [
      ...Object.entries(tools).map(([name, tool]) => toldOf(name, tool)),
      hooksFolder === undefined
        ? { name: 'hooks', version: null, path: null, problem: 'LEDGERLIFT_HOOKS_DIR is not set' }
        : { name: 'hooks', version: null, path: hooksFolder },
    ];
  }
}

const toldOf = (name: string, tool: DiskTools[string] = { problem: 'it is not known here' }): Tool =>
  'problem' in tool
    ? { name, version: null, path: null, problem: tool.problem }
    : { name, version: tool.version ?? null, path: tool.folder ?? tool.plugin };
