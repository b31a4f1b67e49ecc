import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** Not enough free space for the overlays. */
export class NoRoomForOverlays extends LedgerliftError {
  readonly code = 'LL-CONV-002';
  override readonly failure: FailureClass = 'needs-operator';
  constructor(
    readonly path: string,
    readonly needed: number,
    readonly free: number,
  ) {
    super(
      `converting needs ${needed} bytes for overlays at "${path}", but only ${free} bytes are free. Free space there, then retry.`,
    );
  }
}

/** An unknown process has a disk open. */
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

/** The conversion reported success, but an overlay is damaged. */
export class OverlayDamaged extends LedgerliftError {
  readonly code = 'LL-CONV-030';
  override readonly failure: FailureClass = 'transient';
  constructor(
    readonly path: string,
    why: string,
  ) {
    super(
      `the overlay "${path}" is damaged after the conversion (${why}). The next attempt creates it again.`,
    );
  }
}

/** qemu-img failed. */
export class ImageToolFailed extends LedgerliftError {
  readonly code = 'LL-CONV-033';
  override readonly failure: FailureClass = 'transient';
  constructor(
    readonly what: string,
    why: string,
  ) {
    super(
      `qemu-img ${what} failed: ${why}. Ledgerlift retries; check the storage for free space and errors.`,
    );
  }
}
