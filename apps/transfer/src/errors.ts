import { LedgerliftError } from '@ledgerlift/contracts';

/** The source differs from the record made when the migration started. */
export class SourceChanged extends LedgerliftError {
  readonly code = 'LL-TRF-001';
  constructor(vm: string, what: string) {
    super(
      `the source VM '${vm}' ${what} since the migration was started; retry the VM to read its configuration again`,
    );
  }
}

/** This worker does not support this kind of source. */
export class UnknownSource extends LedgerliftError {
  readonly code = 'LL-TRF-002';
  constructor(type: string) {
    super(
      `this worker cannot read sources of type '${type}'; run the same version of the worker and the planner`,
    );
  }
}

/** The log lacks the result of an earlier step, or this step's instructions. */
export class MissingResult extends LedgerliftError {
  readonly code = 'LL-TRF-003';
  constructor(what: string) {
    super(`the log has no ${what}, which this step needs; run planner and workers of the same version`);
  }
}

/** The target has too little free space. */
export class NoRoom extends LedgerliftError {
  readonly code = 'LL-TRF-004';
  override readonly failure = 'needs-operator';
  /** @param taken bytes reserved for writes of other VMs */
  constructor(path: string, needed: number, free: number, taken = 0) {
    const plus = taken > 0 ? `, plus ${taken} that other VMs will still write` : '';
    super(`${path} has ${free} bytes free, but ${needed} are needed${plus}; free some space, then retry`);
  }
}

/** The source cannot be read while its VM runs. */
export class NoSnapshots extends LedgerliftError {
  readonly code = 'LL-TRF-005';
  constructor(type: string) {
    super(`a source of type '${type}' has no snapshots; migrate its VMs cold`);
  }
}

/** The source is on and may not be powered off now; no earlier attempt has powered it off. */
export class SourceLeftOn extends LedgerliftError {
  readonly code = 'LL-TRF-007';
  override readonly outcome = 'stopped';
  constructor(
    readonly vm: string,
    powerState: string,
  ) {
    super(`the source VM '${vm}' is ${powerState}, and is not powered off outside its maintenance window`);
  }
}

/** The provider cannot tell at present whether an earlier attempt powered the source off. */
export class SourcePowerUnknown extends LedgerliftError {
  readonly code = 'LL-TRF-008';
  override readonly failure = 'transient';
  constructor(readonly vm: string) {
    super(`the provider cannot say whether the source VM '${vm}' is off; it is asked again`);
  }
}

/** An adopted disk has changed since the plan was validated. */
export class AdoptedDiskUnusable extends LedgerliftError {
  readonly code = 'LL-TRF-006';
  override readonly failure = 'needs-operator';
  constructor(
    readonly disk: string,
    why: string,
    cause?: unknown,
  ) {
    super(
      `the disk "${disk}", which another tool brought, cannot be converted: ${why}. Correct the disk, then retry.`,
      { cause },
    );
  }
}
