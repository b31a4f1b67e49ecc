import type { HandlersOf } from '../edge/dispatcher.js';
import { mappingView, pageFrom } from '../views/catalog.js';

export const mappingHandlers: HandlersOf<'mappings'> = {
  'mappings.create': async ({ catalog, commands }, { body }, call) => {
    const before = call.createdBefore('mapping');
    const entry =
      before === undefined
        ? await commands.createMapping(body, call.context)
        : catalog.createdMapping(before);
    call.did(`mapping-${entry.id}`);
    return mappingView(entry, catalog);
  },
  'mappings.list': ({ catalog }, { query }) =>
    pageFrom(catalog.mappings(), query, (entry) => mappingView(entry, catalog)),
  'mappings.get': ({ catalog }, { params }) => mappingView(catalog.mapping(params.mapping), catalog),
  'mappings.update': async ({ catalog, commands }, { params, body }, call) =>
    mappingView(await commands.updateMapping(params.mapping, body, call.context), catalog),
  'mappings.delete': async ({ commands }, { params }, call) => {
    await commands.deleteMapping(params.mapping, call.context);
    return null;
  },
};
