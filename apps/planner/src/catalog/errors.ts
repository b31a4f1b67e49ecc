import { LedgerliftError } from '@ledgerlift/contracts';

export type CatalogKind = 'provider' | 'mapping' | 'plan';

/** No such thing is in the catalog, or not any more. */
export class NotInCatalog extends LedgerliftError {
  readonly code = 'LL-PLN-101';
  constructor(
    readonly kind: string,
    readonly ref: string,
  ) {
    super(`there is no ${kind} '${ref}'; list the ${kind}s to see their ids and names`);
  }
}

/** Names are unique per kind, because files refer by them. */
export class NameTaken extends LedgerliftError {
  readonly code = 'LL-PLN-102';
  constructor(
    readonly kind: CatalogKind,
    readonly taken: string,
    readonly owner: string,
  ) {
    super(`the name '${taken}' is that of ${kind} ${owner} already; choose another, or change that ${kind}`, {
      field: 'name',
    });
  }
}

/** Something still refers to it. */
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
          : 'make these refer to it by id first'),
    );
  }
}

/** The plan has a migration that runs. */
export class PlanRunning extends LedgerliftError {
  readonly code = 'LL-PLN-105';
  constructor(
    readonly plan: string,
    readonly migrationId: string,
    readonly command: string,
  ) {
    super(
      `${command} is refused: migration ${migrationId} of plan '${plan}' is running; wait for its end, or cancel it first`,
    );
  }
}

/** An archived plan is read-only for ever. */
export class PlanIsArchived extends LedgerliftError {
  readonly code = 'LL-PLN-106';
  constructor(
    readonly plan: string,
    readonly command: string,
  ) {
    super(`${command} is refused: plan '${plan}' is archived and read-only; create a new plan from its spec`);
  }
}

/** What a thing is at its creation, it stays. */
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
