import { type ExtensionType, LedgerliftError, type ProviderSpec } from '@ledgerlift/contracts';
import type { z } from 'zod';
import type { SourceProvider } from './port.js';

/** A provider that is no part of this product. A service has it while LEDGERLIFT_EXTENSIONS names its module. */
export interface ExtensionProvider extends SourceProvider {
  readonly type: ExtensionType;
  /** Of its part of the spec, strict: what is wrong is told to whoever creates or changes a provider. */
  readonly settings: z.ZodType;
}

/** A provider is of an extension that this service does not have. */
export class ExtensionNotLoaded extends LedgerliftError {
  readonly code = 'LL-EXT-002';
  override readonly failure = 'needs-operator';
  constructor(readonly type: ExtensionType) {
    super(
      `no extension of this service is a provider of type '${type}'; name its module in LEDGERLIFT_EXTENSIONS of every ` +
        'service, and start them again',
      { field: 'type' },
    );
  }
}

/** The settings of a provider are not what its extension takes. */
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
 * The settings of a provider, as its extension knows them.
 * @throws ExtensionSettingsNotValid naming the first field that is wrong
 */
export function settingsOf<S extends z.ZodType>(
  spec: ProviderSpec,
  type: ExtensionType,
  schema: S,
): z.infer<S> {
  if (spec.type !== type) throw new TypeError(`the provider ${type} was given one of type ${spec.type}`);
  const { data, error } = schema.safeParse(spec.settings);
  if (error === undefined) return data as z.infer<S>;
  const [issue] = error.issues;
  const field = ['settings', ...(issue?.path ?? [])].join('.');
  throw new ExtensionSettingsNotValid(type, field, issue?.message ?? 'is not valid');
}
