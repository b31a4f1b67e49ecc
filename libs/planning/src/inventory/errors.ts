import { LedgerliftError, type ProviderSpec } from '@ledgerlift/contracts';
import { kindOfProvider, reasonOf } from '../in-words.js';

/** Only sources have an inventory. */
export class NotASource extends LedgerliftError {
  readonly code = 'LL-PLN-113';
  constructor(provider: string, type: ProviderSpec['type']) {
    super(
      `provider '${provider}' is ${kindOfProvider(type, 'target')}, and a target has no inventory; ask a source`,
    );
  }
}

/** The source could not be read at all. */
export class InventoryUnavailable extends LedgerliftError {
  readonly code = 'LL-PLN-116';
  constructor(provider: string, cause: unknown) {
    super(
      `the inventory of provider '${provider}' cannot be read (${reasonOf(cause)}); ` +
        'check its settings, and that the planner can reach it, then refresh',
      { cause },
    );
  }
}

/** The tree of an inventory has no node at this path. */
export class NoSuchPath extends LedgerliftError {
  readonly code = 'LL-PLN-118';
  constructor(provider: string, path: string) {
    super(
      `the tree of provider '${provider}' has nothing at '${path}'; start at '/', whose children list their paths`,
      {
        field: 'path',
      },
    );
  }
}
