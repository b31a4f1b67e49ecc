import type { SiteWorkers } from '../plan-facts.js';

/** Asks what answers at a site. */
export interface WorkerAccess {
  /** Never throws: what does not answer is not connected. */
  at(site: string): Promise<SiteWorkers>;
}
export const WORKER_ACCESS = Symbol('WorkerAccess');
