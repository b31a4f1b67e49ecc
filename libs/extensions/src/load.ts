import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ExtensionType } from '@ledgerlift/contracts';
import { type ExtensionProvider, registerProvider } from '@ledgerlift/providers';
import { z } from 'zod';
import { BadExtension } from './errors.js';

const method = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', {
  error: 'is no function',
});
/** What is called of every provider. Types are the extension's own business; here a whole module is told from a wrong one. */
const Provider = z.looseObject({
  type: ExtensionType,
  settings: z.custom<z.ZodType>((value) => value instanceof Object && 'safeParse' in value, {
    error: 'is no schema of zod',
  }),
  migrationTypes: z.array(z.enum(['cold', 'warm', 'conversion', 'live'])).min(1),
  conversion: z.enum(['needed', 'not-needed']),
  check: method,
  inventory: method,
  verifyDigests: method,
  currentVm: method,
  powerState: method,
  powerOff: method,
  currentMoment: method,
  powerOn: method,
  diskAccess: method,
});
const Extension = z.looseObject({ providers: z.array(Provider).min(1) });

/**
 * Has what the modules offer from now on, next to what is built in. Called once, at the start of a service.
 *
 * @param modules absolute paths, or names of packages
 * @throws BadExtension naming the first module that cannot be used
 */
export async function loadExtensions(modules: readonly string[]): Promise<void> {
  const owners = new Map<string, string>();
  for (const module of modules) {
    const exported = await imported(module);
    const { error } = Extension.safeParse(exported);
    if (error !== undefined) throw new BadExtension(module, `which is no extension (${firstOf(error)})`);
    // As they are: a parsed copy would have lost what it inherits.
    for (const provider of (exported as { readonly providers: readonly ExtensionProvider[] }).providers) {
      const { type } = provider;
      const owner = owners.get(type);
      if (owner !== undefined)
        throw new BadExtension(module, `whose provider '${type}' is one of '${owner}' already`);
      owners.set(type, module);
      registerProvider(provider);
    }
  }
}

async function imported(module: string): Promise<unknown> {
  if (module.startsWith('.') || (module.includes('/') && !isAbsolute(module) && !module.startsWith('@')))
    throw new BadExtension(module, 'which is no absolute path');
  try {
    return await import(isAbsolute(module) ? pathToFileURL(module).href : module);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BadExtension(module, `which cannot be loaded (${reason})`, error);
  }
}

function firstOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`;
}
