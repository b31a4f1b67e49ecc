import { LedgerliftError } from '@ledgerlift/contracts';
/** A tool that a test needs is not on this machine. Install it (`bash scripts/install.sh`); never skip the test. */
export class PeerMissing extends LedgerliftError {
    peer;
    looked;
    code = 'LL-TEST-001';
    constructor(peer, looked) {
        super(`${peer} was not found at ${looked}; run \`bash scripts/install.sh\``);
        this.peer = peer;
        this.looked = looked;
    }
}
/** A process that a test started ended early, or did not get ready in time. Its last output is in the message. */
export class PeerFailed extends LedgerliftError {
    peer;
    what;
    output;
    code = 'LL-TEST-002';
    constructor(peer, what, output) {
        super(`${peer}: ${what}; its last output:\n${output.slice(-30).join('\n')}`);
        this.peer = peer;
        this.what = what;
        this.output = output;
    }
}
//# sourceMappingURL=errors.js.map