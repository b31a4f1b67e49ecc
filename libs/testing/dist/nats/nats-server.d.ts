import { OwnedProcess } from '../processes/index.js';
import { type NatsVersion } from './nats-binaries.js';
export interface NatsOptions {
    /** Which server; by default what LEDGERLIFT_NATS asks for, else Debian's. */
    readonly version?: NatsVersion;
    /** Where JetStream keeps its data. A folder that is given is not removed at the end. */
    readonly storeDir?: string;
    /** By default a free one. Kept over restarts. */
    readonly port?: number;
    /** What a client must show; by default nothing. */
    readonly auth?: {
        readonly user: string;
        readonly password: string;
    } | {
        readonly token: string;
    };
}
/** A real nats-server with JetStream on 127.0.0.1. Its port stays the same whatever is done to it. */
export interface NatsServer extends AsyncDisposable {
    readonly url: string;
    readonly port: number;
    readonly version: NatsVersion;
    readonly storeDir: string;
    readonly process: OwnedProcess;
    /** Ends it, and removes its data unless the folder was given. */
    stop(): Promise<void>;
    /** kill -9. */
    kill(): Promise<void>;
    /** SIGSTOP: connections stay open and nothing answers. */
    pause(): void;
    resume(): void;
    /** kill -9 where it runs, then starts again on the same data. */
    restart(): Promise<void>;
    /** kill -9, the loss of the whole data folder, and a new start. */
    wipeAndRestart(): Promise<void>;
}
/**
 * Starts a server and waits until it is ready.
 *
 * @throws PeerMissing when the version is not installed, PeerFailed when it does not start
 */
export declare function startNats(options?: NatsOptions): Promise<NatsServer>;
//# sourceMappingURL=nats-server.d.ts.map