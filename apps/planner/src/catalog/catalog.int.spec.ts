import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MappingSpec, PlanSpec, ProviderSpec } from '@ledgerlift/contracts';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import { CatalogProjection } from '@ledgerlift/planning';
import { type CommandContext, LogEventWriter } from '../log/event-writer.js';
import { CatalogCommands, CatalogStreams } from './catalog-commands.js';

const context: CommandContext = {
  actor: { kind: 'user', name: 'local', authenticatedBy: 'loopback' },
  causationId: 'c',
  correlationId: 'c',
};
const provider = (name: string, path = '/ovas') =>
  ProviderSpec.parse({ name, type: 'ova', settings: { path } });
const mapping = (source: string) =>
  MappingSpec.parse({ kind: 'network', name: 'nets', source, target: 'out', pairs: [] });

let temporary: Awaited<ReturnType<typeof openTemporaryLog>>;
beforeEach(async () => {
  temporary = await openTemporaryLog();
});
afterEach(() => temporary.destroy());

/** A catalog that has read the log so far, as after a start. */
async function catalogNow(): Promise<{
  readonly catalog: CatalogProjection;
  readonly commands: CatalogCommands;
  readonly streams: CatalogStreams;
}> {
  const { log } = temporary;
  const streams = new CatalogStreams(log, new LogEventWriter(log));
  const catalog = new CatalogProjection(streams);
  for await (const event of log.readAll()) streams.apply(event);
  return { catalog, commands: new CatalogCommands(catalog, streams), streams };
}

describe('the catalog', () => {
  it('knows at once what was written, and does not count it twice when the log tells it', async () => {
    const { catalog, commands, streams } = await catalogNow();
    const { id } = await commands.createProvider(provider('files'), context);
    expect(catalog.provider('files').id).toBe(id);
    for await (const event of temporary.log.readAll()) streams.apply(event);
    expect(catalog.provider(id).revision).toBe(0);
    expect(catalog.providers()).toHaveLength(1);
  });

  it('is the same when it is built from the log again', async () => {
    const { catalog, commands } = await catalogNow();
    await commands.createProvider(provider('files'), context);
    await commands.updateProvider('files', provider('files', '/elsewhere'), context);
    await commands.createProvider(provider('others'), context);
    await commands.deleteProvider('others', context);
    const again = (await catalogNow()).catalog;
    expect(again.providers()).toEqual(catalog.providers());
    expect(again.findProvider('others')).toBeUndefined();
  });

  it('reads again and decides anew when somebody else was faster', async () => {
    const first = await catalogNow();
    const { id } = await first.commands.createProvider(provider('files'), context);
    const second = await catalogNow();
    await first.commands.updateProvider(id, provider('files', '/one'), context);
    const changed = await second.commands.updateProvider(id, provider('files', '/two'), context);
    expect(changed).toMatchObject({ revision: 2, spec: { settings: { path: '/two' } } });
    await first.commands.deleteProvider(id, context).catch(() => undefined);
    await expect(second.commands.updateProvider(id, provider('files', '/three'), context)).rejects.toThrow(
      /no provider/,
    );
  });

  it('tells apart who refers by name and who by id', async () => {
    const { commands } = await catalogNow();
    const { id } = await commands.createProvider(provider('files'), context);
    await commands.createMapping(mapping(id), context);
    await commands.updateProvider(id, provider('renamed'), context);
    await commands.updateMapping('nets', mapping('renamed'), context);
    await expect(commands.updateProvider(id, provider('files'), context)).rejects.toThrow(
      /used by mapping nets/,
    );
  });

  it('lets go of what an archived plan names', async () => {
    const { commands } = await catalogNow();
    await commands.createMapping(mapping('files'), context);
    const spec = PlanSpec.parse({
      name: 'p',
      source: 'files',
      target: 'out',
      networkMapping: 'nets',
      storageMapping: 's',
      vms: [{ ref: 'web' }],
    });
    const { id } = await commands.createPlan(spec, context);
    await expect(commands.deleteMapping('nets', context)).rejects.toThrow(/used by plan p/);
    await commands.endPlan(id, 'archive', undefined, context);
    await commands.deleteMapping('nets', context);
  });
});
