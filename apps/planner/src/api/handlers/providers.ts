import type { HandlersOf } from '../edge/operation-handler.js';
import { pageFrom } from '../views/page.js';
import { inventoryView, providerView } from '../views/catalog.js';

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
  'providers.delete': async ({ commands }, { params }, call) => {
    await commands.deleteProvider(params.provider, call.context);
    return null;
  },
  'providers.inventory': async ({ catalog, inventory, now }, { params }) => {
    const entry = catalog.provider(params.provider);
    return inventoryView(entry.id, await inventory.inventory(entry), now());
  },
  'providers.refresh': async ({ catalog, inventory, now }, { params }) => {
    const entry = catalog.provider(params.provider);
    return inventoryView(entry.id, await inventory.refresh(entry), now());
  },
};
