import { LedgerliftError } from '@ledgerlift/contracts';

/** An option or argument has an invalid value. */
export class BadOption extends LedgerliftError {
  readonly code = 'LL-CLI-005';
  constructor(option: string, value: string, rule: string) {
    super(`${option} ${value}: ${rule}`, { field: option });
  }
}

/** A rollback loses the target's writes since the cutover, so it needs an explicit confirmation. */
export class RollbackNotConfirmed extends LedgerliftError {
  readonly code = 'LL-CLI-007';
  constructor(vm: string) {
    super(
      `a rollback of ${vm} loses all writes at the target since the cutover; 'ledgerlift status' and ` +
        `'ledgerlift events ${vm}' show the time of the cutover; repeat it with --lose-writes`,
      { field: '--lose-writes' },
    );
  }
}

/** Keys go only into an empty folder, so that none is ever overwritten. */
export class FolderNotEmpty extends LedgerliftError {
  readonly code = 'LL-CLI-010';
  constructor(
    readonly folder: string,
    readonly found: string,
  ) {
    super(`${folder} is not empty: it has ${found}; name an empty or new folder`, {
      field: '--out',
    });
  }
}
