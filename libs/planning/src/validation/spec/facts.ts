import { type Inventory, MappingSpec, PlanSpec, ProviderSpec, type SourceVm } from '@ledgerlift/contracts';
import type { TargetView } from '@ledgerlift/targets';
import { inventoryOf, networkSpec, planSpec, sourceSpec, storageSpec, webVm } from '../../spec/fixtures.js';
import {
  type PlanFacts,
  type PlannedVm,
  plannedVms,
  type ProviderFacts,
  type SiteWorkers,
} from '../plan-facts.js';

export const vm = (change: Partial<SourceVm> = {}): SourceVm => ({ ...webVm, ...change });
/** Another VM, whose name is its id. */
export const vmNamed = (name: string, change: Partial<SourceVm> = {}): SourceVm => ({
  ...webVm,
  id: name,
  name,
  ...change,
});
export { webVm };

interface Changes extends Partial<
  Omit<PlanFacts, 'spec' | 'inventory' | 'selection' | 'vms' | 'networkMapping' | 'storageMapping' | 'view'>
> {
  readonly spec?: object;
  readonly inventory?: Inventory | undefined;
  readonly networks?: object;
  readonly storages?: object;
  readonly settings?: object;
  readonly planned?: Partial<PlannedVm>;
  /** Changes to the view of the target. */
  readonly room?: Pick<TargetView, 'freeBytes' | 'taken'>;
  readonly adopted?: TargetView['adopted'];
}

/** A vCenter as the source. */
export const vsphere = (settings: object = {}, problems: ProviderFacts['problems'] = []): ProviderFacts => ({
  id: 'src',
  spec: ProviderSpec.parse({
    name: 'vcenter',
    type: 'vsphere',
    settings: { url: 'https://vcenter.example.com/sdk', ...settings },
  }),
  problems,
});

/** Workers at the site of a plan. */
export const workers: SiteWorkers = {
  connected: ['transfer', 'converter', 'vm-creator'],
  conversionProblems: [],
  transferTools: {
    vddk: { oldest: { version: '8.0.3', path: '/opt/vddk' }, problems: [] },
    hooks: { oldest: { version: '', path: '/hooks' }, problems: [] },
  },
};

/** Facts of a plan without problems, with the given changes. */
export function factsWith(vms: readonly SourceVm[], changes: Changes = {}): PlanFacts {
  const { spec: specChange, networks, storages, settings, planned, room, adopted, ...rest } = changes;
  const refs = vms.map(({ id }) => ({ ref: id }));
  const spec = PlanSpec.parse({
    ...planSpec,
    vms: refs.length === 0 ? [{ ref: 'none' }] : refs,
    ...specChange,
  });
  const inventory = 'inventory' in changes ? changes.inventory : inventoryOf(...vms);
  const meant = plannedVms(spec, inventory);
  return {
    planId: 'p1',
    source: { id: 'src', spec: ProviderSpec.parse(sourceSpec), problems: [] },
    target: {
      id: 'dst',
      spec: ProviderSpec.parse({ name: 'out', type: 'directory', settings: { path: '/out', ...settings } }),
      problems: [],
    },
    networkMapping: {
      id: 'n',
      spec: MappingSpec.parse({ ...networkSpec, ...networks }),
      sourceId: 'src',
      targetId: 'dst',
    },
    storageMapping: {
      id: 's',
      spec: MappingSpec.parse({ ...storageSpec, ...storages }),
      sourceId: 'src',
      targetId: 'dst',
    },
    view: { freeBytes: 2 ** 40, taken: new Map(), adopted: adopted ?? new Map(), ...room },
    digests: new Map(),
    expected: undefined,
    site: 'local',
    workers,
    pods: 'not-needed',
    ...rest,
    spec,
    inventory,
    selection: meant.selection,
    vms: meant.vms.map((each) => ({ ...each, ...planned })),
  };
}
