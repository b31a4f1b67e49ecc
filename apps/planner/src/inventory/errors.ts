import { LedgerliftError, type ProviderSpec } from '@ledgerlift/contracts';
import { kindOfProvider } from '../kind-of-provider.js';
import { reasonOf } from './reason-of.js';

/** Only sources have an inventory. */
export class NotASource extends LedgerliftError {
  readonly code = 'LL-PLN-113';
  constructor(provider: string, type: ProviderSpec['type']) {
    super(
      `provider '${provider}' is ${kindOfProvider(type, 'target')}, and a target has no inventory; ask a source`,
    );
  }
}

/** Nothing could be read of the source at all. */
export class InventoryUnavailable extends LedgerliftError {
  readonly code = 'LL-PLN-116';
  constructor(provider: string, cause: unknown) {
    super(
      `the inventory of provider '${provider}' cannot be read (${reasonOf(cause)}); ` +
        'see that its settings are right and that the planner reaches it, then refresh',
      { cause },
    );
  }
}

/** The tree of an inventory has no node at this path. */
export class NoSuchPath extends LedgerliftError {
  readonly code = 'LL-PLN-118';
  constructor(provider: string, path: string) {
    super(
      `the tree of provider '${provider}' has nothing at '${path}'; begin at '/', whose children say their paths`,
      {
        field: 'path',
      },
    );
  }
}
