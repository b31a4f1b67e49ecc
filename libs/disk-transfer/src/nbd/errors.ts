import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** The connection to an NBD server ended while something was outstanding. Connect again and go on. */
export class NbdConnectionLost extends LedgerliftError {
  readonly code = 'LL-DSK-001';
  override readonly failure: FailureClass = 'transient';
  constructor(
    readonly endpoint: string,
    reason: string,
  ) {
    super(`the NBD server at ${endpoint} is gone: ${reason}`);
  }
}

/** What answers is no NBD server, or one that breaks the protocol. Trying again would not help. */
export class NbdProtocolError extends LedgerliftError {
  readonly code = 'LL-DSK-002';
  constructor(
    readonly endpoint: string,
    reason: string,
  ) {
    super(`what answers at ${endpoint} breaks the NBD protocol: ${reason}; check what listens there`);
  }
}

const ENOSPC = 28;
const EPERM = 1;

/** The server could not carry out a request. No space is for an operator, no permission is for good; else try again. */
export class NbdRequestFailed extends LedgerliftError {
  readonly code = 'LL-DSK-003';
  override readonly failure: FailureClass;
  constructor(
    readonly endpoint: string,
    readonly command: string,
    readonly offset: number,
    readonly errno: number,
  ) {
    const meaning = errno === ENOSPC ? 'no space is left; make room, then retry' : `error ${errno}`;
    super(`${command} at ${offset} failed at ${endpoint}: ${meaning}`);
    this.failure = errno === ENOSPC ? 'needs-operator' : errno === EPERM ? 'permanent' : 'transient';
  }
}

/** The server refuses an option that is needed, such as an export that it does not have. */
export class NbdOptionRefused extends LedgerliftError {
  readonly code = 'LL-DSK-004';
  constructor(
    readonly endpoint: string,
    option: string,
    reason: string,
  ) {
    super(`the NBD server at ${endpoint} refuses ${option}: ${reason}`);
  }
}

/** Whether an error is of the connection to this endpoint, and not of another one that took part. */
export const isOfEndpoint = (error: unknown, endpoint: string): boolean =>
  (error instanceof NbdConnectionLost ||
    error instanceof NbdProtocolError ||
    error instanceof NbdRequestFailed ||
    error instanceof NbdOptionRefused) &&
  error.endpoint === endpoint;
