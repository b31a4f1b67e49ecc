import { type FailureClass, LedgerliftError } from '@ledgerlift/contracts';

/** The connection to an NBD server ended before a request was answered. Reconnect and continue. */
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

/** The peer is not an NBD server, or breaks the protocol. A retry would not help. */
export class NbdProtocolError extends LedgerliftError {
  readonly code = 'LL-DSK-002';
  constructor(
    readonly endpoint: string,
    reason: string,
  ) {
    super(`the server at ${endpoint} breaks the NBD protocol: ${reason}; check which program listens there`);
  }
}

const ENOSPC = 28;
const EPERM = 1;

/** A request failed at the server. Lack of space needs an operator, lack of permission is permanent; others are retried. */
export class NbdRequestFailed extends LedgerliftError {
  readonly code = 'LL-DSK-003';
  override readonly failure: FailureClass;
  constructor(
    readonly endpoint: string,
    readonly command: string,
    readonly offset: number,
    readonly errno: number,
  ) {
    const meaning = errno === ENOSPC ? 'no space is left; free space, then retry' : `error ${errno}`;
    super(`${command} at ${offset} failed at ${endpoint}: ${meaning}`);
    this.failure = errno === ENOSPC ? 'needs-operator' : errno === EPERM ? 'permanent' : 'transient';
  }
}

/** The server refuses a required option, such as an export that it does not have. */
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

/** Whether an error comes from the connection to this endpoint. */
export const isOfEndpoint = (error: unknown, endpoint: string): boolean =>
  (error instanceof NbdConnectionLost ||
    error instanceof NbdProtocolError ||
    error instanceof NbdRequestFailed ||
    error instanceof NbdOptionRefused) &&
  error.endpoint === endpoint;
