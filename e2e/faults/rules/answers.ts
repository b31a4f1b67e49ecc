import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { call } from '../../installation/api.js';
import type { Behaviour, HookScript } from './script.js';

type Call = <N extends Parameters<typeof call>[1]>(
  name: N,
  input?: Parameters<typeof call>[2],
) => ReturnType<typeof call<N>>;

const SLOW_MS = 400;
const LATE_MS = 300;
const POLL_MS = 100;

/** How long the one who is called takes; undefined: it never answers. */
function takesMs(behaviour: Behaviour, { timeLimitMs }: HookScript): number | undefined {
  switch (behaviour) {
    case 'ok':
    case 'fail':
      return 0;
    case 'slow':
      return SLOW_MS;
    case 'late':
      return timeLimitMs + LATE_MS;
    case 'hang':
      return undefined;
  }
}

/** Answers the hooks of runs that are no commands: those by HTTP, and those that are events. */
export class HookAnswers implements AsyncDisposable {
  readonly #hooks = new Map<string, HookScript>();
  readonly #calls = new Map<string, number>();
  readonly #server: Server;

  private constructor(private readonly journal: HookJournal) {
    this.#server = createServer((request, response) => {
      void this.#answerHttp(request, response).catch(() => response.destroy());
    });
  }

  static async start(journal: HookJournal): Promise<HookAnswers> {
    const answers = new HookAnswers(journal);
    answers.#server.listen(0, '127.0.0.1');
    await once(answers.#server, 'listening');
    return answers;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  expect(hooks: readonly HookScript[]): void {
    for (const hook of hooks) this.#hooks.set(hook.name, hook);
  }

  /** Answers a migration's hooks that are events until the signal says that it is over. */
  async answerEvents(
    ask: Call,
    run: { readonly migration: string; readonly hooks: readonly HookScript[]; readonly vms: number },
    signal: AbortSignal,
  ): Promise<void> {
    const planHooks = run.hooks.filter(({ scope }) => scope === 'plan');
    const places = run.hooks
      .filter((hook) => hook.run === 'event')
      .flatMap((hook) =>
        hook.scope === 'plan'
          ? [{ hook, vm: run.vms + planHooks.indexOf(hook), shown: 'plan' }]
          : Array.from({ length: run.vms }, (_, vm) => ({ hook, vm, shown: String(vm) })),
      );
    const seen = new Set<string>();
    const answers: Promise<void>[] = [];
    while (places.length > 0 && !signal.aborted) {
      for (const { hook, vm, shown } of places) {
        const view = await ask('vms.get', { params: { migration: run.migration, vm } }).catch(
          () => undefined,
        );
        const line = view?.pipeline.find(
          ({ waitingFor }) => waitingFor === `an answer to the hook ${hook.name}`,
        );
        if (line === undefined) continue;
        const attempt = `${line.attempts}`;
        if (seen.has(`${hook.name} ${vm} ${attempt}`)) continue;
        seen.add(`${hook.name} ${vm} ${attempt}`);
        const at = { migration: run.migration, vm, shown, attempt };
        answers.push(this.#answerEvent(ask, hook, at, signal));
      }
      await delay(POLL_MS);
    }
    await Promise.all(answers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answerEvent(
    ask: Call,
    hook: HookScript,
    {
      migration,
      vm,
      shown,
      attempt,
    }: Readonly<Record<'migration' | 'shown' | 'attempt', string>> & { vm: number },
    signal: AbortSignal,
  ): Promise<void> {
    const behaviour = this.#next(hook, shown);
    const about = { hook: hook.name, vm: shown, attempt };
    this.journal.note({ what: 'begun', ...about, outcome: '-' });
    const ms = takesMs(behaviour, hook);
    if (ms === undefined) return;
    await delay(ms, undefined, { signal }).catch(() => undefined);
    const time = new Date().toISOString();
    const succeeded = behaviour !== 'fail';
    const answer = await ask('vms.answer-hook', {
      params: { migration, vm },
      body: { hook: hook.name, succeeded, said: 'as it was drawn' },
    }).catch((error: unknown) => error);
    // Refused: nobody waits for it any more.
    if (answer instanceof Error && /was refused/.test(answer.message)) return;
    this.journal.note({ what: 'ended', ...about, outcome: succeeded ? 'ok' : 'fail' }, time);
  }

  async #answerHttp(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const hook = this.#hooks.get((request.url ?? '').slice(1));
    if (hook === undefined) {
      response.writeHead(404).end();
      return;
    }
    const body = JSON.parse(await text(request)) as {
      readonly scope: string;
      readonly attempt: number;
      readonly vm?: { readonly index: number };
    };
    const vm = body.scope === 'plan' ? 'plan' : String(body.vm?.index);
    const behaviour = this.#next(hook, vm);
    const about = { hook: hook.name, vm, attempt: String(body.attempt) };
    this.journal.note({ what: 'begun', ...about, outcome: '-' });
    const ms = takesMs(behaviour, hook);
    if (ms === undefined) return;
    await delay(ms);
    if (response.destroyed) return;
    const outcome = behaviour === 'fail' ? 'fail' : 'ok';
    this.journal.note({ what: 'ended', ...about, outcome });
    response.writeHead(outcome === 'ok' ? 200 : 500).end('as it was drawn');
  }

  #next({ name, behaviours }: HookScript, vm: string): Behaviour {
    const before = this.#calls.get(`${name} ${vm}`) ?? 0;
    this.#calls.set(`${name} ${vm}`, before + 1);
    return behaviours[Math.min(before, behaviours.length - 1)] ?? 'ok';
  }
}

/** A call of a hook, as the one who was called tells it. */
export interface HookLine {
  readonly time: string;
  readonly what: 'begun' | 'ended';
  readonly hook: string;
  /** Its number; `plan`: a hook of the whole plan. */
  readonly vm: string;
  /** Where whoever was called is not told, as many as it saw. */
  readonly attempt: string;
  readonly outcome: '-' | 'ok' | 'fail';
}

/** What hooks of every kind write when they are called. `commands/answer` writes the same lines. */
export class HookJournal {
  constructor(readonly path: string) {}

  note(line: Omit<HookLine, 'time'>, time = new Date().toISOString()): void {
    const { what, hook, vm, attempt, outcome } = line;
    appendFileSync(this.path, `${[time, what, hook, vm, attempt, outcome].join(' ')}\n`);
  }

  async lines(): Promise<readonly HookLine[]> {
    const text = await readFile(this.path, 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [time = '', what, hook = '', vm = '', attempt = '', outcome] = line.split(' ');
        return {
          time,
          what: what === 'ended' ? 'ended' : 'begun',
          hook,
          vm,
          attempt,
          outcome: outcome === 'ok' || outcome === 'fail' ? outcome : '-',
        };
      });
  }
}
