import { LedgerliftError } from '@ledgerlift/contracts';
/** A tool that a test needs is not on this machine. Install it (`bash scripts/install.sh`); never skip the test. */
export declare class PeerMissing extends LedgerliftError {
    readonly peer: string;
    readonly looked: string;
    readonly code = "LL-TEST-001";
    constructor(peer: string, looked: string);
}
/** A process that a test started ended early, or did not get ready in time. Its last output is in the message. */
export declare class PeerFailed extends LedgerliftError {
    readonly peer: string;
    readonly what: string;
    readonly output: readonly string[];
    readonly code = "LL-TEST-002";
    constructor(peer: string, what: string, output: readonly string[]);
}
//# sourceMappingURL=errors.d.ts.map