import { NoSuchPath, foundVm, searched, treeOf } from '@ledgerlift/planning';
import type { HandlersOf } from '../edge/dispatcher.js';
import { inventoryView, pageFrom, providerView } from '../views/catalog.js';

export const providerHandlers: HandlersOf<'providers'> = {
  'providers.create': async ({ catalog, commands, ...rest }, { body }, call) => {
    const before = call.createdBefore('provider');
    const entry =
      before === undefined
        ? await commands.createProvider(body, call.context)
        : catalog.createdProvider(before);
    call.did(`provider-${entry.id}`);
    return providerView(entry, rest);
  },
  'providers.list': ({ catalog, ...rest }, { query }) =>
    pageFrom(catalog.providers(), query, (entry) => providerView(entry, rest)),
  'providers.get': ({ catalog, ...rest }, { params }) =>
    providerView(catalog.provider(params.provider), rest),
  'providers.update': async ({ commands, ...rest }, { params, body }, call) =>
    providerView(await commands.updateProvider(params.provider, body, call.context), rest),
  'providers.delete': async ({ catalog, commands, inventory }, { params }, call) => {
    const { id } = catalog.provider(params.provider);
    await commands.deleteProvider(params.provider, call.context);
    inventory.forget(id);
    return null;
  },
  'providers.inventory': async ({ catalog, ...rest }, { params }) => {
    const entry = catalog.provider(params.provider);
    return inventoryView(entry, await rest.inventory.inventory(entry), rest);
  },
  'providers.vms': async ({ catalog, inventory }, { params, query }) => {
    const known = await inventory.inventory(catalog.provider(params.provider));
    return pageFrom(searched(known, query), query, foundVm);
  },
  'providers.tree': async ({ catalog, inventory }, { params, query }) => {
    const entry = catalog.provider(params.provider);
    const { vms } = await inventory.inventory(entry);
    const tree = treeOf(entry.spec.name, vms, query);
    if (tree === undefined) throw new NoSuchPath(entry.spec.name, query.path);
    return tree;
  },
  'providers.refresh': async ({ catalog, ...rest }, { params }) => {
    const entry = catalog.provider(params.provider);
    return inventoryView(entry, await rest.inventory.refresh(entry), rest);
  },
};
