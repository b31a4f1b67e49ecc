import { type ServiceName, WorkerCapabilities, subjects } from '@ledgerlift/contracts';
import type { ToolAtSite, ToolsAtSite } from '@ledgerlift/providers';
import type { SiteWorkers, WorkerAccess } from '@ledgerlift/planning';
import type { NatsConnection } from '@nats-io/nats-core';

const TIMEOUT_MS = 2000;
/** How long to wait for another answer after each one. */
const OTHERS_MS = 200;

/** Asks the workers over NATS. Every connected worker answers with the tools that it found. */
export class NatsWorkerAccess implements WorkerAccess {
  constructor(private readonly nc: NatsConnection) {}

  async at(site: string): Promise<SiteWorkers> {
    const [transfer, converter, creator] = await Promise.all([
      this.#ask('transfer', site),
      this.#ask('converter', site),
      this.#ask('vm-creator', site),
    ]);
    const answers = { transfer, converter, 'vm-creator': creator };
    const services = ['transfer', 'converter', 'vm-creator'] as const;
    return {
      connected: services.filter((service) => answers[service].length > 0),
      conversionProblems: converter.length === 0 ? undefined : converter.flatMap(missingTools),
      transferTools: transfer.length === 0 ? undefined : transferTools(transfer),
    };
  }

  async #ask(service: ServiceName, site: string): Promise<readonly WorkerCapabilities[]> {
    const found: WorkerCapabilities[] = [];
    try {
      const options = { strategy: 'stall', maxWait: TIMEOUT_MS, stall: OTHERS_MS } as const;
      const answers = await this.nc.requestMany(subjects.capabilities(service, site), '', options);
      for await (const answer of answers) {
        const { data } = WorkerCapabilities.safeParse(answer.json());
        if (data !== undefined) found.push(data);
      }
    } catch {
      // No worker answers, or no further one. Those that have answered are connected.
    }
    return found;
  }
}

const missingTools = ({ tools, worker }: WorkerCapabilities): readonly string[] =>
  tools
    .filter(({ path }) => path === null)
    .map(({ name }) => `${name} is not installed at the converter ${worker}`);

/** Tools by name, each with its oldest usable version. */
function transferTools(workers: readonly WorkerCapabilities[]): ToolsAtSite {
  const told = workers.flatMap(({ worker, tools }) => tools.map((tool) => ({ worker, ...tool })));
  const byName = Map.groupBy(told, ({ name }) => name);
  return Object.fromEntries([...byName].map(([name, same]) => [name, toolAtSite(same)]));
}

function toolAtSite(same: readonly (Tool & { readonly worker: string })[]): ToolAtSite {
  const usable = same.flatMap(({ path, version }) =>
    path === null ? [] : [{ path, version: version ?? '' }],
  );
  return {
    oldest: usable.toSorted((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }))[0],
    problems: same.flatMap(({ worker, path, problem = 'it is not installed' }) =>
      path === null ? [`${worker}: ${problem}`] : [],
    ),
  };
}

type Tool = WorkerCapabilities['tools'][number];
