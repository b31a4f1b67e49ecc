import { LedgerliftError } from '@ledgerlift/contracts';

/** Source and target do not fit together: the target must be as large as the source, or larger. */
export class TargetTooSmall extends LedgerliftError {
  readonly code = 'LL-DSK-010';
  constructor(source: number, target: number) {
    super(`the target has ${target} bytes and the source ${source}; allocate the target anew`);
  }
}

/** What was read back from the target is not what was written. Start the disk over; look at the target's storage. */
export class VerificationFailed extends LedgerliftError {
  readonly code = 'LL-DSK-011';
  override readonly failure = 'needs-operator';
  constructor(
    readonly path: string,
    /** The first of the chunks that differ, by number. */
    readonly chunks: readonly number[],
    readonly differing: number,
  ) {
    super(
      `${differing} chunks of ${path} differ from what was copied, the first at ${chunks[0] ?? '?'} MiB; ` +
        'look at the storage of the target, then cancel the VM and start it again',
    );
  }
}
