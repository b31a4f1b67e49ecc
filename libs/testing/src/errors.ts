import { LedgerliftError } from '@ledgerlift/contracts';

/** A tool that a test needs is not on this machine. Install it, by default with scripts/install.sh; never skip the test. */
export class PeerMissing extends LedgerliftError {
  readonly code = 'LL-TEST-001';
  constructor(
    readonly peer: string,
    readonly looked: string,
    readonly installer = 'bash scripts/install.sh',
  ) {
    super(`${peer} was not found at ${looked}; run \`${installer}\``);
  }
}

/** A process that a test started ended early, or did not get ready in time. Its last output is in the message. */
export class PeerFailed extends LedgerliftError {
  readonly code = 'LL-TEST-002';
  constructor(
    readonly peer: string,
    readonly what: string,
    readonly output: readonly string[],
  ) {
    super(`${peer}: ${what}; its last output:\n${output.slice(-30).join('\n')}`);
  }
}
