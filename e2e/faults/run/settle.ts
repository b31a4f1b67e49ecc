import { setTimeout as delay } from 'node:timers/promises';
import type { VmStateName, VmView } from '@ledgerlift/contracts';
import { failsByRules, nextByRules, nextOfPlanHook, retriesForHooks } from '../rules/next.js';
import type { Instants } from '../rules/plan.js';
import type { CommandScript, RunScript } from '../script/script.js';
import type { World } from '../world/world.js';
import type { Finding } from './finding.js';
import type { Operator } from './operator.js';

/** So long after the faults ended every VM must be at an end, or say for what it waits. */
const SETTLED_MS = 60_000;
/** So often an operator tries again what failed although nothing is broken any more. */
const RETRIES = 4;
const AT_END: readonly VmStateName[] = ['succeeded', 'failed', 'canceled', 'rolled-back'];

export interface Settled {
  readonly views: readonly VmView[];
  readonly findings: readonly Finding[];
}

interface Settling {
  readonly world: World;
  readonly script: RunScript;
  readonly instants: Instants | undefined;
  readonly migration: string;
  readonly operator: Operator;
}

type Next = Omit<CommandScript, 'atMs' | 'vm'> | 'nothing' | 'wait';

/** Lets everything go on as an operator would after a bad day, until all is at an end. */
export async function settle(settling: Settling): Promise<Settled> {
  const { world, script, migration, operator } = settling;
  const planHooks = script.rules.hooks.filter(({ scope }) => scope === 'plan');
  const all = script.vms.length + planHooks.length;
  const retries = Array.from({ length: all }, () => 0);
  const most = RETRIES + retriesForHooks(script.rules.hooks);
  const deadline = Date.now() + SETTLED_MS;
  for (;;) {
    const every = await Promise.all(
      retries.map((_, vm) => world.call('vms.get', { params: { migration, vm } })),
    );
    const views = every.slice(0, script.vms.length);
    // The migration's own end is an event too, and comes after those of its VMs.
    const { completedAt, hooks } = await world.call('migrations.get', { params: { migration } });
    const isOver = completedAt !== undefined;
    const next = every.map((view, vm) => {
      const tried = retries[vm] ?? 0;
      if (vm < script.vms.length) return whatToDo(settling, view, tried < most);
      const waitsFor = hooks.find(({ index }) => index === vm)?.waitingFor;
      const isPast = isOver && waitsFor === undefined;
      return nextOfPlanHook(view, { isPast, mayTry: tried < most }, settling.instants, Date.now());
    });
    if (isOver && next.every((each) => each === 'nothing'))
      return { views, findings: failures(views, script) };
    if (Date.now() > deadline) return { views, findings: every.flatMap(stuck) };
    for (const [vm, what] of next.entries()) {
      if (what === 'nothing' || what === 'wait') continue;
      let answer = await operator.ask({ ...what, vm });
      // One VM cannot be resumed while the whole plan is paused.
      if (what.kind === 'resume' && answer === 'refused')
        answer = await operator.ask({ kind: 'plan-resume', vm });
      if (what.kind === 'retry' && answer === 'accepted') retries[vm] = (retries[vm] ?? 0) + 1;
    }
    await delay(150);
  }
}

function whatToDo({ script, instants }: Settling, view: VmView, mayTry: boolean): Next {
  const byRules = nextByRules(view, script.rules, instants, Date.now());
  if (byRules !== undefined) return byRules.kind === 'wait' ? 'wait' : byRules;
  switch (view.state) {
    case 'paused':
      return { kind: 'resume' };
    case 'held':
      return { kind: 'retry' };
    case 'waiting':
      return view.warm?.cutoverAt === undefined ? { kind: 'cutover' } : 'wait';
    case 'failed':
      return script.retriesFailed && mayTry && view.rollback === undefined ? { kind: 'retry' } : 'nothing';
    case 'succeeded':
      return script.vms[view.index]?.rollsBack === true ? { kind: 'rollback' } : 'nothing';
    case 'canceled':
    case 'rolled-back':
      return 'nothing';
    default:
      return 'wait';
  }
}

/** Nothing is broken any more, so what is tried again must succeed. */
const failures = (views: readonly VmView[], script: RunScript): readonly Finding[] =>
  views.flatMap((view): readonly Finding[] =>
    view.state === 'failed' && script.retriesFailed && !failsByRules(script.rules.hooks, view.error)
      ? [
          {
            kind: 'stuck',
            what: `${view.name} fails again and again: ${JSON.stringify(view.error ?? view.conditions)}`,
          },
        ]
      : [],
  );

function stuck(view: VmView): readonly Finding[] {
  if (AT_END.includes(view.state)) return [];
  const steps = view.pipeline.filter(({ status }) => status !== 'Pending' && status !== 'Completed');
  const waits =
    view.waitingFor === undefined ? 'waits for nothing that it names' : `waits for ${view.waitingFor}`;
  return [{ kind: 'stuck', what: `${view.name} is ${view.state} and ${waits}: ${JSON.stringify(steps)}` }];
}
