import { type ServiceName, WorkerCapabilities, subjects } from '@ledgerlift/contracts';
import type { NatsConnection } from '@nats-io/nats-core';
import type { SiteWorkers } from '../plan-facts.js';
import type { WorkerAccess } from './worker-access.js';

const SERVICES: readonly ServiceName[] = ['transfer', 'converter', 'vm-creator'];
const TIMEOUT_MS = 2000;

/** Asks the workers themselves, over NATS: whoever is connected answers, with the tools that it found. */
export class NatsWorkerAccess implements WorkerAccess {
  constructor(private readonly nc: NatsConnection) {}

  async at(site: string): Promise<SiteWorkers> {
    const answers = await Promise.all(SERVICES.map((service) => this.#ask(service, site)));
    const converter = answers[SERVICES.indexOf('converter')];
    return {
      connected: SERVICES.filter((_, index) => answers[index] !== undefined),
      conversionProblems: converter?.tools
        .filter(({ path }) => path === null)
        .map(({ name }) => `${name} is not installed at the converter ${converter.worker}`),
    };
  }

  async #ask(service: ServiceName, site: string): Promise<WorkerCapabilities | undefined> {
    try {
      const answer = await this.nc.request(subjects.capabilities(service, site), '', { timeout: TIMEOUT_MS });
      return WorkerCapabilities.safeParse(answer.json()).data;
    } catch {
      // Nobody answers: none is connected.
      return undefined;
    }
  }
}
