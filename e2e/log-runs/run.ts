import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { auditVerify, type EventLog, openLog, openLogForReading } from '@ledgerlift/event-log';
import { startPostgres } from '@ledgerlift/event-log/servers';
import { HANGS_MS, TcpProxy, temporaryFolder, until } from '@ledgerlift/testing';
import { root } from '../installation/root.js';
import { type Finding, judged, type Said, type Seen, TAKEN_OVER } from './judged.js';
import { drawFaults, type Engine, type FaultScript, type Victim } from './script.js';

export interface RunOptions {
  readonly engine: Engine;
  readonly seed: number;
  readonly seconds: number;
  readonly writers: number;
}

export interface RunResult {
  readonly seconds: number;
  readonly acknowledged: number;
  readonly kills: number;
  readonly pauses: number;
  readonly cuts: number;
  readonly findings: readonly (Finding | { readonly kind: 'stuck' | 'broken'; readonly what: string })[];
}

/** What is under the log. */
interface Place extends AsyncDisposable {
  /** The log's place for another process, with what can cut it off. */
  way(): Promise<{ readonly place: string; readonly proxy?: TcpProxy }>;
  /** The place with nothing in between. */
  readonly direct: string;
  killServer(): Promise<void>;
}

/** Has many processes compete for one log, under faults, while readers follow it; and judges what was seen. */
export async function run({ engine, seed, seconds, writers: count }: RunOptions): Promise<RunResult> {
  await using place = await places[engine]();
  await (await openLog(place.direct)).close();
  const seen: Seen[][] = [];
  const world = new World(place, seed, count);
  const readers = [
    new Reader((await place.way()).place, 'stays'),
    new Reader(place.direct, 'stays'),
    new Reader((await place.way()).place, 'comes and goes'),
  ];
  await world.start();
  const began = performance.now();
  const end = began + seconds * 1000;
  const striking: Promise<void>[] = [];
  for (const fault of drawFaults(engine, seed, count)) {
    if (performance.now() + fault.afterMs > end) break;
    await sleep(fault.afterMs);
    const strike = world.strike(fault);
    // Nothing else may free what a stopped owner keeps.
    if (fault.kind === 'pause-until-replaced') await strike;
    striking.push(strike);
  }
  await sleep(Math.max(0, end - performance.now()));
  const took = Math.round((performance.now() - began) / 1000);
  await Promise.all(striking);
  await world.stop();
  const log = await openLogForReading(place.direct);
  const events = (await Array.fromAsync(log.readAll())).map(({ id, position, correlationId }) => ({
    id,
    position,
    writer: correlationId,
  }));
  for (const reader of readers) seen.push(await reader.stop(events.at(-1)?.position));
  const { findings: broken } = await auditVerify(log);
  await log.close();
  const { acknowledged, refused } = world;
  return {
    seconds: took,
    acknowledged: acknowledged.length,
    ...world.counts,
    findings: [
      ...judged({ log: events, acknowledged, refused, readers: seen }),
      ...world.findings,
      ...broken.map((finding) => ({ kind: 'broken' as const, what: JSON.stringify(finding) })),
    ],
  };
}

const places: Readonly<Record<Engine, () => Promise<Place>>> = {
  async sqlite() {
    const folder = temporaryFolder('log-run');
    const direct = folder.file('events.db');
    return {
      direct,
      way: async () => ({ place: direct }),
      killServer: async () => undefined,
      [Symbol.asyncDispose]: () => folder.remove(),
    };
  },
  async postgres() {
    const server = await startPostgres();
    const direct = await server.createDatabase();
    const proxies: TcpProxy[] = [];
    return {
      direct,
      async way() {
        const proxy = await TcpProxy.to(Number(new URL(direct).port));
        proxies.push(proxy);
        const url = new URL(direct);
        url.port = String(proxy.port);
        return { place: url.href, proxy };
      },
      killServer: () => server.restart(),
      async [Symbol.asyncDispose]() {
        for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
        await server.stop();
      },
    };
  },
};

interface Writer {
  readonly number: number;
  readonly place: string;
  readonly proxy: TcpProxy | undefined;
  process: ChildProcess;
}

/** The processes that compete, and what befalls them. */
class World {
  readonly counts = { kills: 0, pauses: 0, cuts: 0 };
  readonly acknowledged: Seen[] = [];
  readonly refused: string[] = [];
  readonly findings: { readonly kind: 'stuck' | 'broken' | 'holes'; readonly what: string }[] = [];
  readonly #writers: Writer[] = [];
  #owner = 0;
  #isOver = false;
  #started = 0;
  #restarting: Promise<void> = Promise.resolve();

  constructor(
    private readonly place: Place,
    private readonly seed: number,
    private readonly count: number,
  ) {}

  /** Resolves when one owns the log and appends. */
  async start(): Promise<void> {
    for (let number = 0; number < this.count; number += 1) {
      const { place, proxy } = await this.place.way();
      this.#writers.push({ number, place, proxy, process: this.#startWriter(number, place) });
    }
    await this.#progress('nobody appends at the start');
  }

  /** Has what is under way end, and every writer go. */
  async stop(): Promise<void> {
    await this.#progress('nobody appends any more when all faults are over');
    this.#isOver = true;
    await Promise.all(
      this.#writers.map(async ({ number, process }) => {
        if (process.exitCode !== null || process.signalCode !== null) return;
        const exited = once(process, 'exit');
        process.send('stop');
        const hung = setTimeout(() => process.kill('SIGKILL'), HANGS_MS);
        const [, signal] = await exited;
        clearTimeout(hung);
        if (signal !== null) this.findings.push({ kind: 'stuck', what: `writer ${number} does not end` });
      }),
    );
  }

  async strike(fault: FaultScript): Promise<void> {
    switch (fault.kind) {
      case 'kill':
        this.counts.kills += 1;
        for (const { process } of this.#struck(fault.victim)) process.kill('SIGKILL');
        return;
      case 'pause':
        return this.#pause(fault.victim, () => sleep(fault.ms));
      case 'pause-until-replaced':
        return this.#pause('owner', () => this.#progress('nobody takes over from an owner that is stopped'));
      case 'cut':
      case 'hold':
        this.counts.cuts += 1;
        for (const { proxy } of this.#struck(fault.victim)) proxy?.[fault.kind]();
        await sleep(fault.ms);
        for (const { proxy } of this.#struck('all')) proxy?.pass();
        return;
      case 'kill-server':
        this.counts.kills += 1;
        this.#restarting = this.#restarting.then(() => this.place.killServer());
        return this.#restarting;
    }
  }

  async #pause(victim: Victim, over: () => Promise<unknown>): Promise<void> {
    this.counts.pauses += 1;
    const struck = this.#struck(victim).map(({ process }) => process);
    for (const process of struck) process.kill('SIGSTOP');
    await over();
    for (const process of struck) process.kill('SIGCONT');
  }

  #struck(victim: Victim | 'all'): readonly Writer[] {
    if (victim === 'all') return this.#writers;
    return this.#writers.filter(({ number }) => number === (victim === 'owner' ? this.#owner : victim));
  }

  /** Waits for the next appends. */
  async #progress(orElse: string): Promise<void> {
    const before = this.acknowledged.length;
    await until(orElse, () => this.acknowledged.length >= before + 2 * this.count).catch(() =>
      this.findings.push({ kind: 'stuck', what: orElse }),
    );
  }

  #startWriter(number: number, place: string): ChildProcess {
    this.#started += 1;
    const program = join(root, 'node_modules', '.cache', 'e2e', 'log-runs', 'writer.js');
    const args = [place, String(this.count), String(this.seed * 100_003 + this.#started)];
    // Keeps Jest's own options out.
    const child = fork(program, args, { env: { PATH: process.env['PATH'] } });
    child.on('message', (message) => this.#hear(number, message as Said));
    child.on('exit', (code, signal) => {
      if (signal !== 'SIGKILL' && code !== TAKEN_OVER && !this.#isOver)
        this.findings.push({ kind: 'broken', what: `writer ${number} ended with ${code ?? signal}` });
      if (this.#isOver) return;
      const writer = this.#writers[number];
      if (writer !== undefined) writer.process = this.#startWriter(number, place);
    });
    return child;
  }

  #hear(number: number, said: Said): void {
    switch (said.kind) {
      case 'acknowledged':
        this.#owner = number;
        this.acknowledged.push(...said.events);
        return;
      case 'refused':
        this.refused.push(...said.ids);
        if (!['LL-LOG-001', 'LL-LOG-010'].includes(said.code))
          this.findings.push({ kind: 'broken', what: `an append was refused: ${said.code}` });
        return;
      case 'hole':
        this.findings.push({
          kind: 'holes',
          what: `the owner's reader got ${said.position} after ${said.after}`,
        });
        return;
      default:
    }
  }
}

const STAYS_MS = 1500;

/** Follows the log from its beginning. One that comes and goes continues after the last event it got. */
class Reader {
  readonly #seen: Seen[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(
    private readonly place: string,
    private readonly how: 'stays' | 'comes and goes',
  ) {
    this.#running = this.#run();
    // Reported by `stop`.
    this.#running.catch(() => undefined);
  }

  /** @returns what it got, once it has got the event at `last` */
  async stop(last: string | undefined): Promise<Seen[]> {
    await Promise.race([
      this.#running,
      until('a reader gets all', () => this.#seen.at(-1)?.position === last).catch(() => undefined),
    ]);
    this.#stop.abort();
    await this.#running;
    return this.#seen;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const log = await openLogForReading(this.place);
      const goes = this.how === 'stays' ? [] : [AbortSignal.timeout(STAYS_MS)];
      await this.#follow(log, AbortSignal.any([this.#stop.signal, ...goes]));
      await log.close();
    }
  }

  #follow(log: EventLog, signal: AbortSignal): Promise<void> {
    return log.subscribe({
      after: this.#seen.at(-1)?.position ?? '0',
      signal,
      onEvents: (events) => {
        for (const { id, position } of events) this.#seen.push({ id, position });
      },
    });
  }
}
