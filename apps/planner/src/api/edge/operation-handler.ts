import type { ApiInput, ApiOperationName, ApiOutput } from '@ledgerlift/contracts';
import type { CatalogCommands, CatalogProjection } from '../../catalog/index.js';
import type { InventoryService } from '../../inventory/index.js';
import type { CommandContext } from '../../log/event-writer.js';
import type { Rehearser } from '../../rehearsal/index.js';
import type { RunService } from '../../runs/run-service.js';
import type { PlanManifests } from '../plan-manifests.js';
import type { PlanRuns } from '../plan-runs.js';
import type { PlanVms } from '../plan-vms.js';

/** What handlers work with. */
export interface ApiServices {
  readonly catalog: CatalogProjection;
  readonly commands: CatalogCommands;
  readonly inventory: InventoryService;
  readonly plans: PlanRuns;
  readonly planVms: PlanVms;
  readonly manifests: PlanManifests;
  readonly rehearser: Rehearser;
  readonly runs: RunService;
  readonly now: () => Date;
}

/** One request, as far as it is not its input. */
export interface ApiCall {
  readonly context: CommandContext;
  /** The request was carried out before: only what is missing is done, and the same is answered. */
  readonly isRepeated: boolean;
  /** Whether an earlier request with the same key left an event in the stream. */
  didBefore(stream: string): boolean;
  /** Id of what an earlier request with the same key created. */
  createdBefore(category: 'provider' | 'mapping' | 'plan' | 'migration'): string | undefined;
  /** To be called as soon as the request has left an event in the stream. */
  did(stream: string): void;
}

export type OperationHandler<N extends ApiOperationName> = (
  services: ApiServices,
  input: ApiInput<N>,
  call: ApiCall,
) => Promise<ApiOutput<N>> | ApiOutput<N>;

export type OperationHandlers<N extends ApiOperationName = ApiOperationName> = {
  readonly [K in N]: OperationHandler<K>;
};
/** The handlers of one resource, such as `plans`. */
export type HandlersOf<R extends string> = OperationHandlers<Extract<ApiOperationName, `${R}.${string}`>>;
