import type { Inventory, PlanSelection, PlanSpec, PlanVm, VmsCsv } from '@ledgerlift/contracts';
import {
  BadCsv,
  type CatalogProjection,
  type Entry,
  type InventoryService,
  finder,
  importVms,
  judgeSelection,
  writeVms,
} from '@ledgerlift/planning';
import type { CatalogCommands } from '../catalog/index.js';
import type { CommandContext } from '../log/event-writer.js';
import { selectionView } from './views/plan.js';

/** The VMs that a plan selects, and the plan's own list of VMs as a CSV file. */
export class PlanVms {
  constructor(
    private readonly catalog: CatalogProjection,
    private readonly commands: CatalogCommands,
    private readonly inventory: InventoryService,
  ) {}

  /** Uses the current inventory of the source. @throws NotInCatalog, NotASource, InventoryUnavailable */
  async select(ref: string): Promise<PlanSelection> {
    const plan = this.catalog.plan(ref);
    const inventory = await this.#read(plan.spec);
    return selectionView(plan, inventory.takenAt, judgeSelection(plan.spec, inventory));
  }

  /**
   * @param of `vms`: the plan's own list; `meant`: every VM that the plan selects now, for which the source is read
   * @throws NotInCatalog, NotASource, InventoryUnavailable
   */
  async export(ref: string, of: 'vms' | 'meant'): Promise<VmsCsv> {
    const { spec } = this.catalog.plan(ref);
    const vms = of === 'vms' ? spec.vms : this.#meant(spec, await this.#read(spec));
    return { csv: writeVms(vms), vms: vms.length };
  }

  /**
   * Replaces the plan's list with the file's, in one event. A file with an error changes nothing.
   *
   * @throws BadCsv, NotInCatalog, PlanIsArchived, NotASource, InventoryUnavailable
   */
  async import(ref: string, csv: string, context: CommandContext): Promise<Entry<PlanSpec>> {
    const { id, spec } = this.catalog.plan(ref);
    const inventory = await this.#read(spec);
    return this.commands.changePlan(
      id,
      (now) => {
        const { vms, problems } = importVms(csv, { ...now, inventory: inventory.vms });
        if (problems.length > 0) throw new BadCsv(problems);
        if (vms.length + now.select.length === 0)
          throw new BadCsv([{ line: 1, problem: 'there is no VM, and a plan without `select` needs one' }]);
        return { ...now, vms: [...vms] };
      },
      context,
    );
  }

  /** VMs that the plan selects now. A VM that is selected by its id is listed by its name, if no other VM has that name. */
  #meant(spec: PlanSpec, inventory: Inventory): readonly PlanVm[] {
    const find = finder(inventory.vms);
    return judgeSelection(spec, inventory).vms.map(({ entry, vm }) =>
      vm !== undefined && entry.ref === vm.id && find(vm.name).length === 1 && find(vm.name)[0] === vm
        ? { ...entry, ref: vm.name }
        : entry,
    );
  }

  #read({ source }: PlanSpec): Promise<Inventory> {
    return this.inventory.current(this.catalog.provider(source));
  }
}
