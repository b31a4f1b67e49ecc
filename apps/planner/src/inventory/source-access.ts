import type { Inventory, InventoryProblem, ProviderSpec, SourceVm } from '@ledgerlift/contracts';
import type { InventoryWatcher } from '@ledgerlift/providers';

/** What the planner asks of a source provider. `@ledgerlift/providers` answers it for every kind of provider. */
export interface SourceAccess {
  /** Whether the source can be reached and read; what hinders, else nothing. */
  check(spec: ProviderSpec): Promise<readonly InventoryProblem[]>;
  /** @throws where nothing can be read at all; what can be read in part is told in `problems` */
  inventory(spec: ProviderSpec): Promise<Inventory>;
  /** Of sources that tell of their changes; resolves at once for others. @throws what an operator must mend */
  watch?(spec: ProviderSpec, watcher: InventoryWatcher, signal: AbortSignal): Promise<void>;
  /** Reads the files of a VM once and compares them with their manifest; what differs, else nothing. */
  verifyDigests(spec: ProviderSpec, vm: SourceVm): Promise<readonly InventoryProblem[]>;
}
export const SOURCE_ACCESS = Symbol('SourceAccess');
