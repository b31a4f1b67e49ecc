import type {
  Inventory,
  InventoryView,
  MappingSpec,
  MappingView,
  ProviderSpec,
  ProviderView,
} from '@ledgerlift/contracts';
import type { CatalogProjection, Entry, InventoryService } from '@ledgerlift/planning';

/** Fields that every catalog entry shows. */
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

/** The requested page of a list. Computes views only for its items. */
export function pageFrom<T, V>(
  all: readonly T[],
  { offset, limit }: { readonly offset: number; readonly limit: number },
  view: (item: T) => V,
): { items: V[]; total: number; offset: number } {
  return { items: all.slice(offset, offset + limit).map(view), total: all.length, offset };
}

/** An object with the field, or without it if the value is undefined. */
export function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
