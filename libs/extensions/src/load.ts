import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  ExtensionNotLoaded,
  ExtensionType,
  isExtension,
  LedgerliftError,
  type ProviderSpec,
  settingsOf,
} from '@ledgerlift/contracts';
import { type ExtensionProvider, extensionProvider, registerProvider } from '@ledgerlift/providers';
import { type ExtensionTarget, extensionTarget, registerTarget } from '@ledgerlift/targets';
import { z } from 'zod';

const method = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', {
  error: 'is no function',
});
const schema = z.custom<z.ZodType>((value) => value instanceof Object && 'safeParse' in value, {
  error: 'is no schema of zod',
});
/** The members that we call. Only their shape is checked, to reject modules that are not extensions. */
const base = { type: ExtensionType, settings: schema };
const Provider = z.looseObject({
  ...base,
  migrationTypes: z.array(z.enum(['cold', 'warm', 'conversion', 'live'])).min(1),
  conversion: z.enum(['needed', 'not-needed']),
  check: method,
  hosts: method.optional(),
  inventory: method,
  verifyDigests: method,
  currentVm: method,
  powerState: method,
  powerOff: method,
  currentMoment: method,
  powerOn: method,
  diskAccess: method,
  requirements: z
    .looseObject({ variables: z.record(z.string(), schema), look: method, report: method })
    .optional(),
});
const Target = z.looseObject({
  ...base,
  conditionTypes: z.record(z.string(), z.object()),
  look: method,
  conditions: method,
  place: method,
  itineraryFor: method,
  claimsFor: method,
  render: method,
  where: method,
  readLog: method,
  workplace: method,
});
const Extension = z
  .looseObject({ providers: z.array(Provider).default([]), targets: z.array(Target).default([]) })
  .refine(({ providers, targets }) => providers.length + targets.length > 0, {
    error: 'has neither providers nor targets',
  });

interface Exported {
  readonly providers?: readonly ExtensionProvider[];
  readonly targets?: readonly ExtensionTarget[];
}

/**
 * Registers the providers and targets of the modules beside the built-in ones. Call it once, at the start of a service.
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
    // The originals, because a parsed copy would lose inherited members.
    const { providers = [], targets = [] } = exported as Exported;
    for (const { type } of [...providers, ...targets]) {
      const owner = owners.get(type);
      if (owner !== undefined) throw new BadExtension(module, `whose '${type}' is one of '${owner}' already`);
      owners.set(type, module);
    }
    providers.forEach(registerProvider);
    targets.forEach(registerTarget);
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

/**
 * Checks that this service has loaded the extension of a spec, and that the extension accepts its settings.
 * @throws ExtensionNotLoaded, ExtensionSettingsNotValid
 */
export function assertTaken(spec: ProviderSpec): void {
  if (!isExtension(spec.type)) return;
  const extension = extensionProvider(spec.type) ?? extensionTarget(spec.type);
  if (extension === undefined) throw new ExtensionNotLoaded(spec.type);
  settingsOf(spec, extension.type, extension.settings);
}

/** A module that LEDGERLIFT_EXTENSIONS names cannot be used. */
export class BadExtension extends LedgerliftError {
  readonly code = 'LL-EXT-001';
  constructor(
    readonly module: string,
    reason: string,
    cause?: unknown,
  ) {
    super(
      `LEDGERLIFT_EXTENSIONS names '${module}', ${reason}; name ES modules that export \`providers\` or \`targets\`, by absolute path or ` +
        'package, separated by commas, or leave it empty',
      { field: 'LEDGERLIFT_EXTENSIONS', cause },
    );
  }
}
