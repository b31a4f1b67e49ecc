import { LedgerliftError } from '@ledgerlift/contracts';

/** An option or argument has a value that cannot be used. */
export class BadOption extends LedgerliftError {
  readonly code = 'LL-CLI-005';
  constructor(option: string, value: string, rule: string) {
    super(`${option} ${value}: ${rule}`, { field: option });
  }
}

/** A rollback loses what was written at the target since the cutover: nobody may ask for that by mistake. */
export class RollbackNotConfirmed extends LedgerliftError {
  readonly code = 'LL-CLI-007';
  constructor(vm: string) {
    super(
      `a rollback of ${vm} loses what was written at the target since the cutover; 'ledgerlift status' and ` +
        `'ledgerlift events ${vm}' say since when; repeat it with --lose-writes`,
      { field: '--lose-writes' },
    );
  }
}

/** Keys are written into a folder of their own, so that none is ever overwritten. */
export class FolderNotEmpty extends LedgerliftError {
  readonly code = 'LL-CLI-010';
  constructor(
    readonly folder: string,
    readonly found: string,
  ) {
    super(`${folder} is not empty: it has ${found}; name a folder that is empty, or does not exist yet`, {
      field: '--out',
    });
  }
}
