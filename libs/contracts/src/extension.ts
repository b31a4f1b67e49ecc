import type { z } from 'zod';
import { LedgerliftError } from './errors.js';
import type { ExtensionType } from './definitions.js';

/** The extension of a provider is not loaded in this service. */
export class ExtensionNotLoaded extends LedgerliftError {
  readonly code = 'LL-EXT-002';
  override readonly failure = 'needs-operator';
  constructor(readonly type: ExtensionType) {
    super(
      `no extension of this service provides type '${type}'; name its module in LEDGERLIFT_EXTENSIONS of every ` +
        'service, and restart them',
      { field: 'type' },
    );
  }
}

/** The settings of a provider are not valid for its extension. */
export class ExtensionSettingsNotValid extends LedgerliftError {
  readonly code = 'LL-EXT-003';
  constructor(
    readonly type: ExtensionType,
    field: string,
    reason: string,
  ) {
    super(`${field} of a provider of type '${type}': ${reason}; its extension says what is expected`, {
      field,
    });
  }
}

/**
 * Parses the settings of a provider with its extension's schema.
 *
 * @param of the provider's spec, or the target of a VM's record
 * @throws ExtensionSettingsNotValid naming the first invalid field
 */
export function settingsOf<S extends z.ZodType>(
  of: { readonly type: string; readonly settings: unknown },
  type: ExtensionType,
  schema: S,
): z.infer<S> {
  if (of.type !== type) throw new TypeError(`the extension ${type} was given a provider of type ${of.type}`);
  const { data, error } = schema.safeParse(of.settings);
  if (error === undefined) return data as z.infer<S>;
  const [issue] = error.issues;
  const field = ['settings', ...(issue?.path ?? [])].join('.');
  throw new ExtensionSettingsNotValid(type, field, issue?.message ?? 'is not valid');
}
