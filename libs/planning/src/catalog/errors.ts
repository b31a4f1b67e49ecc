import { LedgerliftError } from '@ledgerlift/contracts';

export type CatalogKind = 'provider' | 'mapping' | 'plan';

/** The catalog has no such entry, or has it no longer. */
export class NotInCatalog extends LedgerliftError {
  readonly code = 'LL-PLN-101';
  constructor(
    readonly kind: string,
    readonly ref: string,
  ) {
    super(`there is no ${kind} '${ref}'; list the ${kind}s to see their ids and names`);
  }
}

/** The name is taken: names are unique per kind, because definition files refer to entries by name. */
export class NameTaken extends LedgerliftError {
  readonly code = 'LL-PLN-102';
  constructor(
    readonly kind: CatalogKind,
    readonly taken: string,
    readonly owner: string,
  ) {
    super(
      `the name '${taken}' is already used by ${kind} ${owner}; choose another name, or change that ${kind}`,
      {
        field: 'name',
      },
    );
  }
}

/** Other entries still refer to this one. */
export class InUse extends LedgerliftError {
  readonly code = 'LL-PLN-103';
  constructor(
    readonly kind: CatalogKind,
    readonly what: string,
    readonly users: readonly string[],
    readonly change: 'deleted' | 'renamed',
  ) {
    super(
      `${kind} '${what}' cannot be ${change}: it is used by ${users.join(', ')}; ` +
        (change === 'deleted'
          ? 'delete, archive or change these first'
          : 'change these to refer to it by id first'),
    );
  }
}

/** The plan has a running migration. */
export class PlanRunning extends LedgerliftError {
  readonly code = 'LL-PLN-105';
  constructor(
    readonly plan: string,
    readonly migrationId: string,
    readonly command: string,
  ) {
    super(
      `${command} is refused: migration ${migrationId} of plan '${plan}' is running; wait until it ends, or cancel it first`,
    );
  }
}

/** An archived plan is read-only forever. */
export class PlanIsArchived extends LedgerliftError {
  readonly code = 'LL-PLN-106';
  constructor(
    readonly plan: string,
    readonly command: string,
  ) {
    super(`${command} is refused: plan '${plan}' is archived and read-only; create a new plan from its spec`);
  }
}

/** The kind of an entry, or the type of a provider, is fixed at its creation. */
export class KindIsFixed extends LedgerliftError {
  readonly code = 'LL-PLN-107';
  constructor(
    readonly kind: CatalogKind,
    field: 'type' | 'kind',
    was: string,
    asked: string,
  ) {
    super(`the ${field} of a ${kind} cannot change from ${was} to ${asked}; create another ${kind}`, {
      field,
    });
  }
}
