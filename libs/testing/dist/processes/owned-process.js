import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { PeerFailed } from '../errors.js';
const KEPT_LINES = 2000;
const running = new Set();
/**
 * A real process that a test started, and can kill, pause and start again.
 *
 * It cannot outlive the test: the kernel kills it when the process that runs the test ends, however that ends.
 */
export class OwnedProcess {
    #spec;
    #lines = [];
    #listeners = new Set();
    #child;
    #ended = Promise.resolve({ code: null, signal: null });
    #alive = false;
    #group;
    constructor(spec) {
        this.#spec = spec;
    }
    /** Starts the process. Whether it is ready is found out with `waitForLine` or `waitForHttp`. */
    static async start(spec) {
        const process = new OwnedProcess(spec);
        await process.#spawn();
        return process;
    }
    get name() {
        return this.#spec.name;
    }
    get pid() {
        const pid = this.#child?.pid;
        if (pid === undefined)
            throw new PeerFailed(this.name, 'has no process id', this.#lines);
        return pid;
    }
    get alive() {
        return this.#alive;
    }
    /** The last lines of both outputs, over every start. */
    get output() {
        return this.#lines;
    }
    /** Resolves when the process of the present start has ended. */
    get ended() {
        return this.#ended;
    }
    /**
     * Waits until a line of either output matches, also one that is there already.
     *
     * @throws PeerFailed when the process ends or the time is over first
     */
    async waitForLine(pattern, timeoutMs = 30_000) {
        const deadline = Date.now() + timeoutMs;
        for (;;) {
            const line = this.#lines.find((candidate) => pattern.test(candidate));
            if (line !== undefined)
                return line;
            this.#mustGoOn(`did not say ${String(pattern)} within ${timeoutMs} ms`, deadline);
            await this.#change(Math.min(deadline - Date.now(), 500));
        }
    }
    /**
     * Waits until a GET of the address is answered with a status below 400.
     *
     * @throws PeerFailed when the process ends or the time is over first
     */
    async waitForHttp(url, timeoutMs = 30_000) {
        const deadline = Date.now() + timeoutMs;
        while (!(await answers(url))) {
            this.#mustGoOn(`did not answer ${url} within ${timeoutMs} ms`, deadline);
            await delay(50);
        }
    }
    /** Ends it as an operator would: SIGTERM, and SIGKILL for the whole group when that was not enough in time. */
    async stop(timeoutMs = 10_000) {
        if (this.#alive) {
            this.resume();
            this.#signal('SIGTERM');
            const late = new AbortController();
            const waited = delay(timeoutMs, 'late', { signal: late.signal }).catch(() => 'late');
            if ((await Promise.race([this.#ended, waited])) === 'late')
                await this.killGroup();
            late.abort();
        }
        return this.#ended;
    }
    /** kill -9 of this process alone: what it started lives on, as it would after a crash. */
    async kill() {
        this.#signal('SIGKILL');
        return this.#ended;
    }
    /** kill -9 of the process and of everything in its process group. */
    async killGroup() {
        if (this.#group !== undefined) {
            try {
                process.kill(-this.#group, 'SIGKILL');
            }
            catch (error) {
                if (error.code !== 'ESRCH')
                    throw error;
            }
        }
        return this.#ended;
    }
    /** SIGSTOP: the process lives, and does nothing. */
    pause() {
        this.#signal('SIGSTOP');
    }
    /** SIGCONT. */
    resume() {
        this.#signal('SIGCONT');
    }
    /** Starts it again, after `kill` where it still runs. `env` is laid over that of the first start. */
    async restart(env = {}) {
        await this.kill();
        this.#lines.length = 0;
        await this.#spawn(env);
    }
    async [Symbol.asyncDispose]() {
        await this.stop();
        await this.killGroup();
    }
    async #spawn(more = {}) {
        const { command, args = [], cwd, env = process.env } = this.#spec;
        // pdeathsig: nothing that runs in a test runner's worker can rely on exit handlers (Jest ends its workers by
        // signal). A group of its own: what it started can be ended with it.
        const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], {
            stdio: ['ignore', 'pipe', 'pipe'],
            env: { ...env, ...more },
            detached: true,
            ...(cwd === undefined ? {} : { cwd }),
        });
        this.#child = child;
        this.#alive = true;
        this.#group = child.pid;
        running.add(this);
        this.#ended = new Promise((resolve) => {
            child.once('exit', (code, signal) => {
                this.#alive = false;
                running.delete(this);
                resolve({ code, signal });
                this.#changed();
            });
        });
        for (const stream of [child.stdout, child.stderr])
            createInterface({ input: stream }).on('line', (line) => {
                this.#lines.push(line);
                if (this.#lines.length > KEPT_LINES)
                    this.#lines.shift();
                this.#changed();
            });
        await once(child, 'spawn');
    }
    #signal(signal) {
        if (this.#alive)
            this.#child?.kill(signal);
    }
    #mustGoOn(what, deadline) {
        if (!this.#alive)
            throw new PeerFailed(this.name, 'ended before it was ready', this.#lines);
        if (Date.now() > deadline)
            throw new PeerFailed(this.name, what, this.#lines);
    }
    #changed() {
        for (const listener of this.#listeners)
            listener();
    }
    async #change(timeoutMs) {
        await new Promise((resolve) => {
            const done = () => {
                clearTimeout(timer);
                this.#listeners.delete(done);
                resolve();
            };
            const timer = setTimeout(done, Math.max(timeoutMs, 1));
            this.#listeners.add(done);
        });
    }
}
/** Ends every process that was started here and still runs, with its group. For `afterAll`. */
export async function stopAllProcesses() {
    await Promise.all([...running].map((process) => process.killGroup()));
}
async function answers(url) {
    try {
        const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
        await response.body?.cancel();
        return response.status < 400;
    }
    catch {
        return false;
    }
}
//# sourceMappingURL=owned-process.js.map