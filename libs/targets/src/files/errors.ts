import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** The overlays would not fit beside the disks. */
export class NoRoomForOverlays extends LedgerliftError {
  readonly code = 'LL-CONV-002';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(
    readonly path: string,
    readonly needed: number,
    readonly free: number,
  ) {
    super(
      `converting needs ${needed} bytes for overlays at "${path}", where ${free} bytes are free. Make room there, then retry.`,
    );
  }
}

/** Some process that is not known to us has a disk open. */
export class DisksHeld extends LedgerliftError {
  readonly code = 'LL-CONV-004';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(
    readonly path: string,
    why: string,
  ) {
    super(`"${path}" is held by another process (${why}). End that process, then retry.`);
  }
}

/** The conversion succeeded by its own word, yet an overlay is damaged. */
export class OverlayDamaged extends LedgerliftError {
  readonly code = 'LL-CONV-030';
  override readonly failure: FailureClass = 'transient';
  constructor(
    readonly path: string,
    why: string,
  ) {
    super(
      `the overlay "${path}" is damaged after the conversion (${why}). It is made anew by the next attempt.`,
    );
  }
}

/** qemu-img could not do what was asked. */
export class ImageToolFailed extends LedgerliftError {
  readonly code = 'LL-CONV-033';
  override readonly failure: FailureClass = 'transient';
  constructor(
    readonly what: string,
    why: string,
  ) {
    super(`qemu-img ${what} failed: ${why}. Look for room and errors of the storage; it is tried again.`);
  }
}
