import type {
  Inventory,
  InventoryView,
  MappingSpec,
  MappingView,
  ProviderSpec,
  ProviderView,
} from '@ledgerlift/contracts';
import type { CatalogProjection, Entry } from '../../catalog/index.js';
import type { InventoryService } from '../../inventory/index.js';

/** What every entry of the catalog shows. */
export function storedView<S>({ id, revision, createdAt, updatedAt, spec }: Entry<S>) {
  return { id, revision, createdAt, updatedAt, spec };
}

export const ageSeconds = (takenAt: string, now: Date): number =>
  Math.max(0, Math.floor((now.getTime() - Date.parse(takenAt)) / 1000));

export function providerView(
  entry: Entry<ProviderSpec>,
  { inventory, now }: { readonly inventory: InventoryService; readonly now: () => Date },
): ProviderView {
  const known = inventory.known(entry);
  if (known === undefined) return storedView(entry);
  const { takenAt, version, vms, problems } = known;
  const summary = {
    takenAt,
    ...(version === undefined ? {} : { version }),
    ageSeconds: ageSeconds(takenAt, now()),
    vms: vms.length,
    problems: problems.length,
  };
  return { ...storedView(entry), inventory: summary };
}

export const inventoryView = (
  entry: Entry<ProviderSpec>,
  inventory: Inventory,
  { inventory: service, now }: { readonly inventory: InventoryService; readonly now: () => Date },
): InventoryView => {
  const liveness = service.liveness(entry);
  return {
    ...inventory,
    providerId: entry.id,
    ageSeconds: ageSeconds(inventory.takenAt, now()),
    live: typeof liveness === 'object' ? liveness : liveness === 'live',
  };
};

export const mappingView = (entry: Entry<MappingSpec>, catalog: CatalogProjection): MappingView => ({
  ...storedView(entry),
  usedBy: catalog.plansWithMapping([entry.id, entry.spec.name]).map(({ id }) => id),
});
