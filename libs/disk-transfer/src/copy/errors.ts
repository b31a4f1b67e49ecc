import { LedgerliftError } from '@ledgerlift/contracts';

/** The target is smaller than the source. */
export class TargetTooSmall extends LedgerliftError {
  readonly code = 'LL-DSK-010';
  constructor(source: number, target: number) {
    super(`the target has ${target} bytes, but the source ${source}; allocate the target again`);
  }
}

/** Data read back from the target differs from the data copied. Start the disk over and check the target's storage. */
export class VerificationFailed extends LedgerliftError {
  readonly code = 'LL-DSK-011';
  override readonly failure = 'needs-operator';
  constructor(
    readonly path: string,
    /** Numbers of the first chunks that differ. */
    readonly chunks: readonly number[],
    readonly differing: number,
  ) {
    super(
      `${differing} chunks of ${path} differ from the data copied, the first at ${chunks[0] ?? '?'} MiB; ` +
        'check the storage of the target, then cancel the VM and start it again',
    );
  }
}
