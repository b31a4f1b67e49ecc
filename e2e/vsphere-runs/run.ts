import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { VmView } from '@ledgerlift/contracts';
import { failsByRules, nextByRules, nextOfPlanHook, retriesForHooks } from '../faults/rules/next.js';
import { type Instants, instantsOf, nextTurn, planRules } from '../faults/rules/plan.js';
import { Operator } from '../faults/run/operator.js';
import { root } from '../installation/root.js';
import { type Finding, judged } from './judged.js';
import type { RunScript } from './script.js';
import { strike } from './strike.js';
import type { World } from './world.js';

const DEADLINE_MS = 120_000;
/** So often an operator tries again what failed although nothing is broken any more. */
const RETRIES = 6;
const SNAPSHOT_IN_THE_WAY = 'LL-VSP-029';

export interface RunResult {
  readonly findings: readonly Finding[];
  /** What the VM came to. */
  readonly end: string;
}

/** One VM, from its making to the judgement, which asks the simulator and not our own word. */
export async function doRun(world: World, script: RunScript): Promise<RunResult> {
  const { at, vsphere } = world;
  const { name, rules } = script;
  const { moref } = await vsphere.addVm({
    name,
    disks: script.disks,
    changeTracking: script.tracking === 'on',
    tools: { status: script.shutdown === 'no-tools' ? 'not-installed' : 'running' },
    ignoreShutdown: script.shutdown === 'ignored',
    writer: { roundsPerSecond: script.writesPerSecond, seed: script.run + 1 },
  });
  const instants = rules.window && instantsOf(rules.window, nextTurn(Date.now()));
  world.answers.expect(rules.hooks);
  const migration = await started(world, script, instants);
  const operator = new Operator(at, name, migration);
  const reverts: string[] = [];
  const struck = Promise.all([
    ...script.faults.map((fault) => delay(fault.atMs).then(() => strike(world, moref, fault, reverts))),
    ...rules.approvals.tries.map((each) => delay(each.atMs).then(() => operator.ask(each))),
  ]);
  // Awaited below; until then a simulator that has locked up must not end the whole campaign.
  struck.catch(() => undefined);
  const over = new AbortController();
  const answering = world.answers.answerEvents(
    at.call,
    { migration, hooks: rules.hooks, vms: 1 },
    over.signal,
  );
  answering.catch(() => undefined);
  const view = await new Play(world, script, { migration, instants, operator }).played(struck);
  await struck;
  over.abort();
  await answering;
  if (typeof view === 'string') {
    await keep(world, script, { migration, moref, operator });
    return { end: 'stuck', findings: [{ kind: 'stuck', what: view }] };
  }
  const ended = { view, migration, moref, instants, asked: operator.asked, reverts };
  const findings = await judged(world, script, ended);
  if (findings.length === 0)
    await rm(at.folder.file('out', 'default', name), { recursive: true, force: true });
  else await keep(world, script, { migration, moref, operator });
  return { end: view.state, findings };
}

/** The history of the VM as the log and as the simulator have it, for who looks into a finding. */
async function keep(
  { at, vsphere, hookJournal }: World,
  script: RunScript,
  { migration, moref, operator }: { readonly migration: string; readonly moref: string; operator: Operator },
): Promise<void> {
  const name = `seed-${script.seed}-run-${script.run}`;
  const folder = join(root, 'node_modules', '.cache', 'vsphere-runs', name);
  await mkdir(folder, { recursive: true });
  const params = { migration, vm: 0 };
  const history = await at.call('vms.history', { params, query: { limit: 1000 } });
  const journal = (await vsphere.journal()).filter(({ vm }) => vm === moref);
  const calls = (await hookJournal.lines()).filter(({ hook }) => hook.startsWith(`r${script.run}-`));
  const { asked } = operator;
  const kept = {
    script,
    history,
    journal,
    calls,
    asked,
    vm: await vsphere.vm(moref),
    view: await at.vm(migration),
  };
  await writeFile(join(folder, 'kept.json'), JSON.stringify(kept, undefined, 1));
}

async function started(world: World, script: RunScript, instants: Instants | undefined): Promise<string> {
  const { at } = world;
  const callees = { url: world.answers.url, journal: world.hookJournal.path };
  const { cutover, ...rules } = planRules(script.rules, instants, callees);
  const body = {
    name: script.name,
    source: 'vcenter',
    target: 'out',
    networkMapping: 'nets',
    storageMapping: 'disks',
    vms: [{ ref: script.name }],
    type: 'warm' as const,
    skipGuestConversion: !script.converts,
    verify: script.verify,
    retry: { maxRetries: 8, baseDelayMs: 100, maxDelayMs: 1000 },
    ...rules,
    warm: { precopyIntervalMs: 200, enableChangeTracking: script.tracking === 'turned-on', cutover },
    shutdown: { timeLimitMs: 1500, then: 'force' as const },
    timeLimits: { snapshotMs: 10_000 },
  };
  return asked(async () => {
    await at.call('plans.create', { body }).catch((error: unknown) => {
      // The answer before was lost, and not what it answered.
      if (!String(error).includes('LL-PLN-102')) throw error;
    });
    const { items } = await at.call('migrations.list', { query: { plan: script.name } });
    return items[0]?.id ?? (await at.call('plans.start', { params: { plan: script.name } })).id;
  });
}

/** Asks again while others' faults hinder: as an operator would. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + 60_000; ; await delay(200)) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

interface Playing {
  readonly migration: string;
  readonly instants: Instants | undefined;
  readonly operator: Operator;
}

/** What an operator does from the start of a run until all of it is at an end. */
class Play {
  readonly #retries: number[];
  readonly #most: number;
  /** For the cutover, or the cancel, that ends the run. */
  #isAsked = false;
  #isCanceled = false;
  #isGivenUp = false;

  constructor(
    private readonly world: World,
    private readonly script: RunScript,
    private readonly playing: Playing,
  ) {
    const { hooks } = script.rules;
    this.#retries = [0, ...hooks.filter(({ scope }) => scope === 'plan').map(() => 0)];
    this.#most = RETRIES + retriesForHooks(hooks);
  }

  /** @returns what the VM came to, or in words why it came to no end */
  async played(struck: Promise<unknown>): Promise<VmView | string> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    struck.then(over, over);
    for (const deadline = Date.now() + DEADLINE_MS; ; await delay(100)) {
      const { migration } = this.playing;
      const [vm, ...hooks] = await asked(() =>
        Promise.all(this.#retries.map((_, index) => this.world.at.vm(migration, index))),
      );
      if (vm === undefined) throw new Error('a migration has a VM');
      const areHooksOver = await this.#dealtWith(hooks);
      if (this.#isAtEnd(vm) && areHooksOver && isOver) return vm;
      if (Date.now() > deadline || this.#isStuck(vm)) {
        const steps = vm.pipeline.filter(({ status }) => status !== 'Pending' && status !== 'Completed');
        return `${this.script.name} is ${vm.state}, waiting for ${vm.waitingFor ?? 'nothing'}: ${JSON.stringify([vm.error, steps])}`;
      }
      await this.#dealWith(vm);
    }
  }

  #isAtEnd({ state, error }: VmView): boolean {
    if (state === 'canceled') return this.#isCanceled;
    const isDoomed = (this.#retries[0] ?? 0) >= this.#most && failsByRules(this.script.rules.hooks, error);
    return state === 'succeeded' || (state === 'failed' && (this.#isGivenUp || isDoomed));
  }

  /** It fails again and again, and no hook is meant to make it. */
  #isStuck({ state, error }: VmView): boolean {
    const isDown = state === 'failed' || state === 'held';
    const isForeign = error?.code === SNAPSHOT_IN_THE_WAY || failsByRules(this.script.rules.hooks, error);
    return isDown && (this.#retries[0] ?? 0) >= this.#most && !isForeign;
  }

  async #dealWith(vm: VmView): Promise<void> {
    const { script, playing } = this;
    if (vm.state === 'failed' || vm.state === 'held') {
      // Tracking cannot be turned on beside somebody's snapshot. Nobody removes it here, so the VM is given up.
      if (vm.error?.code === SNAPSHOT_IN_THE_WAY) return this.#cancel();
      if ((this.#retries[0] ?? 0) >= this.#most) return;
      await this.#retry(0);
      // A retry after the cutover reads the source anew, and is cut over anew.
      if (script.end === 'cutover') this.#isAsked = false;
      return;
    }
    const next = nextByRules(vm, script.rules, playing.instants, Date.now());
    if (next !== undefined) {
      if (next.kind === 'wait') return;
      if (next.kind === 'cancel') return this.#cancel();
      await playing.operator.ask({ ...next, vm: 0 });
      return;
    }
    if (this.#isAsked || (vm.warm?.round ?? 0) < script.rounds) return;
    // Where the plan's policy schedules the cutover, nobody asks for it.
    if (script.end === 'cutover' && vm.warm?.cutoverAt !== undefined) return;
    if (script.end === 'cancel') return this.#cancel();
    this.#isAsked = (await playing.operator.ask({ kind: 'cutover', vm: 0 })) === 'accepted';
  }

  async #cancel(): Promise<void> {
    const answer = await this.playing.operator.ask({ kind: 'cancel', vm: 0 });
    if (answer !== 'refused') this.#isAsked = this.#isCanceled = true;
  }

  /** @returns whether nothing of the plan's own hooks is to come any more */
  async #dealtWith(views: readonly VmView[]): Promise<boolean> {
    if (views.length === 0) return true;
    const { migration, operator } = this.playing;
    const { completedAt, hooks } = await asked(() =>
      this.world.at.call('migrations.get', { params: { migration } }),
    );
    let areOver = true;
    for (const view of views) {
      const waitsFor = hooks.find(({ index }) => index === view.index)?.waitingFor;
      const isPast = completedAt !== undefined && waitsFor === undefined;
      const mayTry = (this.#retries[view.index] ?? 0) < this.#most;
      const next = nextOfPlanHook(view, { isPast, mayTry }, this.playing.instants, Date.now());
      if (next === 'nothing') continue;
      areOver = false;
      if (next === 'wait') continue;
      if (next.kind === 'retry') await this.#retry(view.index);
      else await operator.ask({ ...next, vm: view.index });
      if (next.kind === 'plan-cancel') this.#isCanceled = true;
    }
    return areOver;
  }

  async #retry(vm: number): Promise<void> {
    const answer = await this.playing.operator.ask({ kind: 'retry', vm });
    if (answer === 'accepted') this.#retries[vm] = (this.#retries[vm] ?? 0) + 1;
    // Somebody's snapshot is in the way, and nobody removes it here.
    else this.#isGivenUp ||= this.playing.operator.asked.at(-1)?.said.includes('VMHasSnapshots') === true;
  }
}
