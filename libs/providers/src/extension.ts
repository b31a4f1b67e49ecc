import type { ExtensionType } from '@ledgerlift/contracts';
import type { z } from 'zod';
import type { SourceProvider } from './port.js';

/** A source that is no part of this product. A service has it while LEDGERLIFT_EXTENSIONS names its module. */
export interface ExtensionProvider extends SourceProvider {
  readonly type: ExtensionType;
  /** Of its part of the spec, strict: what is wrong is told to whoever creates or changes a provider. */
  readonly settings: z.ZodType;
}
