import { setTimeout as delay } from 'node:timers/promises';
import type { VmStateName, VmView } from '@ledgerlift/contracts';
import type { CommandKind, RunScript } from '../script/script.js';
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

/** Lets everything go on as an operator would after a bad day, until all is at an end. */
export async function settle(
  world: World,
  script: RunScript,
  migration: string,
  operator: Operator,
): Promise<Settled> {
  const retries = script.vms.map(() => 0);
  const deadline = Date.now() + SETTLED_MS;
  for (;;) {
    const views = await Promise.all(
      script.vms.map((_, vm) => world.call('vms.get', { params: { migration, vm } })),
    );
    const next = views.map((view, vm) => whatToDo(view, script, retries[vm] ?? 0));
    // The migration's own end is an event too, and comes after those of its VMs.
    const isOver = (await world.call('migrations.get', { params: { migration } })).completedAt !== undefined;
    if (isOver && next.every((each) => each === 'nothing'))
      return { views, findings: failures(views, script) };
    if (Date.now() > deadline) return { views, findings: views.flatMap(stuck) };
    for (const [vm, what] of next.entries()) {
      if (what === 'nothing' || what === 'wait') continue;
      let answer = await operator.ask({ kind: what, vm });
      // One VM cannot be resumed while the whole plan is paused.
      if (what === 'resume' && answer === 'refused') answer = await operator.ask({ kind: 'plan-resume', vm });
      if (what === 'retry' && answer === 'accepted') retries[vm] = (retries[vm] ?? 0) + 1;
    }
    await delay(150);
  }
}

function whatToDo(view: VmView, script: RunScript, retries: number): CommandKind | 'nothing' | 'wait' {
  switch (view.state) {
    case 'paused':
      return 'resume';
    case 'held':
      return 'retry';
    case 'waiting':
      return view.warm?.cutoverAt === undefined ? 'cutover' : 'wait';
    case 'failed':
      return script.retriesFailed && retries < RETRIES && view.rollback === undefined ? 'retry' : 'nothing';
    case 'succeeded':
      return script.vms[view.index]?.rollsBack === true ? 'rollback' : 'nothing';
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
    view.state === 'failed' && script.retriesFailed
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
