import { LedgerliftError } from '@ledgerlift/contracts';
import { reasonOf } from './reason-of.js';

/** Only sources have an inventory. */
export class NotASource extends LedgerliftError {
  readonly code = 'LL-PLN-113';
  constructor(provider: string, type: string) {
    super(`provider '${provider}' is a ${type}, which is a target and has no inventory; ask a source`);
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
