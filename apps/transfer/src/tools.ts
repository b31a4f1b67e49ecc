import type { WorkerCapabilities } from '@ledgerlift/contracts';
import { type DiskTools, lookForDiskTools } from '@ledgerlift/providers';
import type { TransferSettings } from './config.js';

type Tool = WorkerCapabilities['tools'][number];

const FRESH_MS = 30_000;

/** Finds this worker's tools for reading disks and running hooks. Caches the result for half a minute. */
export class Tools {
  #kept: { readonly at: number; readonly found: Promise<DiskTools> } | undefined;
  #last: DiskTools | undefined;

  constructor(private readonly settings: TransferSettings) {}

  /** The tools for reading disks, at most 30 s old. */
  now(): Promise<DiskTools> {
    if (this.#kept === undefined || performance.now() - this.#kept.at > FRESH_MS) {
      const found = lookForDiskTools(this.settings.reading).then((tools) => (this.#last = tools));
      this.#kept = { at: performance.now(), found };
    }
    return this.#kept.found;
  }

  /** For plan validation, which waits only two seconds: returns the last known tools while looking again. */
  async told(): Promise<Tool[]> {
    const looking = this.now();
    const tools = this.#last ?? (await looking);
    const { hooksFolder } = this.settings.hooks;
    return [
      ...Object.entries(tools).map(([name, tool]) => capabilityOf(name, tool)),
      hooksFolder === undefined
        ? { name: 'hooks', version: null, path: null, problem: 'LEDGERLIFT_HOOKS_DIR is not set' }
        : { name: 'hooks', version: null, path: hooksFolder },
    ];
  }
}

const capabilityOf = (
  name: string,
  tool: DiskTools[string] = { problem: 'this worker does not know it' },
): Tool =>
  'problem' in tool
    ? { name, version: null, path: null, problem: tool.problem }
    : { name, version: tool.version ?? null, path: tool.folder ?? tool.plugin };
