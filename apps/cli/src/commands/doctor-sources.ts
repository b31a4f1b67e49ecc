import { ExtensionModules, LedgerliftError, type ProviderView } from '@ledgerlift/contracts';
import { loadExtensions } from '@ledgerlift/extensions';
import { sourceProviders } from '@ledgerlift/providers';
import { z } from 'zod';
import type { Row } from '../terminal/table.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Loads what LEDGERLIFT_EXTENSIONS names, as the services do at their start: from then on its providers are among
 * `sourceProviders()`. Each module is loaded with those before it, so that two which offer the same type are told, too.
 *
 * @returns one row for each module, `wrong` where no service would start with it
 */
export async function extensions({ LEDGERLIFT_EXTENSIONS: setting }: Environment): Promise<readonly Row[]> {
  const name = 'LEDGERLIFT_EXTENSIONS';
  const { data: modules, error } = ExtensionModules.safeParse(setting);
  if (setting === undefined || setting === '') return [];
  if (error !== undefined)
    return [wrong(name, 'all services', 'name absolute paths or packages, with one comma between two')];
  const loaded: string[] = [];
  const rows: Row[] = [];
  for (const module of modules) {
    const use = `all services, by ${name}`;
    try {
      await loadExtensions([...loaded, module]);
      loaded.push(module);
      rows.push({ name: module, state: 'present', use, get: '' });
    } catch (cause) {
      rows.push(wrong(module, use, inWords(cause)));
    }
  }
  return rows;
}

/** What disks are read with, of each kind of source: a machine that reads no such disks is in order without. */
export async function readersOfDisks(
  env: Environment,
  sources: () => Promise<readonly ProviderView[]>,
): Promise<readonly Row[]> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const rows = sourceProviders().map(async ({ type, requirements }): Promise<readonly Row[]> => {
    if (requirements === undefined) return [];
    const { data, error } = z.object(requirements.variables).safeParse(set);
    if (error !== undefined) {
      const names = [...new Set(error.issues.map(({ path: [variable] }) => String(variable)))];
      return names.map((name) => {
        const wanted = requirements.variables[name]?.description ?? 'what its source expects';
        return wrong(name, `services that read disks of ${type}`, `set it to ${wanted}`);
      });
    }
    try {
      const reports = await requirements.report(await requirements.look(data), sources);
      return reports.map((report): Row => ({ ...report }));
    } catch (cause) {
      return [wrong(type, 'its disks', inWords(cause))];
    }
  });
  return (await Promise.all(rows)).flat();
}

const wrong = (name: string, use: string, get: string): Row => ({ name, state: 'wrong', use, get });

const inWords = (error: unknown): string =>
  error instanceof LedgerliftError
    ? `${error.code} ${error.message}`
    : error instanceof Error
      ? error.message
      : String(error);
