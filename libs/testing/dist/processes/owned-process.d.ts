/** What to run, and how. */
export interface ProcessSpec {
    /** Shows in errors. */
    readonly name: string;
    readonly command: string;
    readonly args?: readonly string[];
    /** Replaces the environment, so that a test decides what a service sees. The default is this process's own. */
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly cwd?: string;
}
export interface Ended {
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
}
/**
 * A real process that a test started, and can kill, pause and start again.
 *
 * It cannot outlive the test: the kernel kills it when the process that runs the test ends, however that ends.
 */
export declare class OwnedProcess implements AsyncDisposable {
    #private;
    private constructor();
    /** Starts the process. Whether it is ready is found out with `waitForLine` or `waitForHttp`. */
    static start(spec: ProcessSpec): Promise<OwnedProcess>;
    get name(): string;
    get pid(): number;
    get alive(): boolean;
    /** The last lines of both outputs, over every start. */
    get output(): readonly string[];
    /** Resolves when the process of the present start has ended. */
    get ended(): Promise<Ended>;
    /**
     * Waits until a line of either output matches, also one that is there already.
     *
     * @throws PeerFailed when the process ends or the time is over first
     */
    waitForLine(pattern: RegExp, timeoutMs?: number): Promise<string>;
    /**
     * Waits until a GET of the address is answered with a status below 400.
     *
     * @throws PeerFailed when the process ends or the time is over first
     */
    waitForHttp(url: string, timeoutMs?: number): Promise<void>;
    /** Ends it as an operator would: SIGTERM, and SIGKILL for the whole group when that was not enough in time. */
    stop(timeoutMs?: number): Promise<Ended>;
    /** kill -9 of this process alone: what it started lives on, as it would after a crash. */
    kill(): Promise<Ended>;
    /** kill -9 of the process and of everything in its process group. */
    killGroup(): Promise<Ended>;
    /** SIGSTOP: the process lives, and does nothing. */
    pause(): void;
    /** SIGCONT. */
    resume(): void;
    /** Starts it again, after `kill` where it still runs. `env` is laid over that of the first start. */
    restart(env?: Readonly<Record<string, string | undefined>>): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}
/** Ends every process that was started here and still runs, with its group. For `afterAll`. */
export declare function stopAllProcesses(): Promise<void>;
//# sourceMappingURL=owned-process.d.ts.map