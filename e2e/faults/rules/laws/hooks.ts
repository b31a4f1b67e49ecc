import { dataOf } from '../../judge/records.js';
import { type Finding, found } from '../../run/finding.js';
import type { HookLine } from '../answers.js';
import type { HookScript } from '../script.js';
import { type RulesFacts, type VmFacts, bindingPowerOffs, firstTouch } from './facts.js';

/** Hooks are called when they should and as often as they should, and what they keep back stays back; by those who were called. */
export const judgeHooks = (facts: RulesFacts): readonly Finding[] =>
  facts.rules.hooks.flatMap((hook) => {
    const calls = facts.calls.filter((line) => line.hook === hook.name);
    return [
      ...onceAnAttempt(hook, calls),
      ...facts.vms.flatMap((vm) => ofVm(facts, hook, vm, calls)),
      ...(hook.scope === 'plan' ? atPlansEnd(facts, hook, calls) : []),
    ];
  });

const begun = (calls: readonly HookLine[]): readonly HookLine[] =>
  calls.filter(({ what }) => what === 'begun');

function onceAnAttempt({ name }: HookScript, calls: readonly HookLine[]): readonly Finding[] {
  return [...Map.groupBy(begun(calls), ({ vm, attempt }) => `${vm} in attempt ${attempt}`)]
    .filter(([, lines]) => lines.length > 1)
    .map(([what, lines]) => found('doubled', `${name} was called ${lines.length} times for ${what}`));
}

function ofVm(
  facts: RulesFacts,
  hook: HookScript,
  vm: VmFacts,
  all: readonly HookLine[],
): readonly Finding[] {
  const calls = all.filter((line) => line.vm === (hook.scope === 'plan' ? 'plan' : String(vm.index)));
  return [
    ...holdsBack(facts, hook, vm, calls),
    ...(hook.scope === 'vm' ? [...notTooOften(hook, vm, calls), ...atItsMoment(hook, vm, calls)] : []),
    ...leftOutNever(hook, vm, calls),
  ];
}

/** What comes after a hook waits for it: until it has succeeded, or, where the plan goes on without it, until it was called. */
function holdsBack(
  { warm }: RulesFacts,
  hook: HookScript,
  vm: VmFacts,
  calls: readonly HookLine[],
): readonly Finding[] {
  const passes = hook.onFailure === 'fail' ? calls.filter(({ outcome }) => outcome === 'ok') : begun(calls);
  const times = passes.map(({ time }) => Date.parse(time));
  const isPassed = (since: number, at: number): boolean => times.some((time) => time >= since && time <= at);
  const why = `${hook.name} (${hook.at}, ${hook.onFailure})`;
  if (hook.at === 'before') {
    const touched = firstTouch(vm);
    return touched === undefined || isPassed(0, touched)
      ? []
      : [found('doubled', `the source of ${vm.name} was touched at ${shown(touched)} in spite of ${why}`)];
  }
  if (hook.at !== 'cutover') return [];
  return bindingPowerOffs(vm)
    .filter(({ at, since }) => !isPassed(warm && hook.scope === 'vm' ? since - CLOCKS_MS : 0, at))
    .map(({ at }) => found('doubled', `${vm.name} was powered off at ${shown(at)} in spite of ${why}`));
}

/** An event's time is of its decision, and that of a call of the process that was called. */
const CLOCKS_MS = 5;

/** Events after which a VM may come to a hook anew. */
const AGAIN = new Set([
  'RetryRequested',
  'ResumeRequested',
  'CutoverStarted',
  'SourceRanMeanwhile',
  'SnapshotLost',
  'CleanupDecided',
]);

function notTooOften(hook: HookScript, vm: VmFacts, calls: readonly HookLine[]): readonly Finding[] {
  const { events } = vm.records;
  const rounds = 1 + events.filter(({ type }) => AGAIN.has(type)).length;
  // A worker that is lost has its attempt tried again, and so has one that was told to stop.
  const broken = events.filter(
    (event) =>
      event.type === 'StepStopped' || (event.type === 'StepFailed' && dataOf(event)['lost'] === true),
  ).length;
  const most = (hook.retries + 1) * rounds + broken;
  const times = begun(calls).length;
  return times <= most
    ? []
    : [
        found(
          'doubled',
          `${hook.name} was called ${times} times for ${vm.name}, and at most ${most} were due`,
        ),
      ];
}

function atItsMoment(hook: HookScript, vm: VmFacts, calls: readonly HookLine[]): readonly Finding[] {
  const first = begun(calls)[0];
  if (first === undefined) return [];
  const needed =
    hook.at === 'after'
      ? vm.records.step('StepCompleted', 'FinalPowerActions')
      : hook.at === 'failure'
        ? vm.records.of('StepFailed')
        : vm.records.of('VmMigrationAdmitted');
  return needed.some(({ time }) => Date.parse(time) <= Date.parse(first.time))
    ? []
    : [
        found(
          'doubled',
          `${hook.name} was called for ${vm.name} at ${first.time}, before its moment (${hook.at})`,
        ),
      ];
}

/** A VM at its end has been through all that it had to. What only the harness could have seen, may have passed it by. */
function leftOutNever(hook: HookScript, vm: VmFacts, calls: readonly HookLine[]): readonly Finding[] {
  const end = vm.records.end?.type;
  const isPassed =
    hook.onFailure === 'fail'
      ? calls.some(({ outcome }) => outcome === 'ok')
      : hook.run === 'event' || calls.length > 0;
  const isOfVm = hook.scope === 'vm' || hook.at === 'before' || hook.at === 'cutover';
  if (end === 'VmMigrationSucceeded' && hook.at !== 'failure' && isOfVm && !isPassed)
    return [found('lost', `${vm.name} has succeeded, and ${hook.name} (${hook.at}) was left out`)];
  const isCalled = hook.run === 'event' || calls.length > 0;
  if (end === 'VmMigrationFailed' && hook.at === 'failure' && hook.scope === 'vm' && !isCalled)
    return [found('lost', `${vm.name} has failed, and ${hook.name} was not called`)];
  return [];
}

function atPlansEnd(
  { vms, run }: RulesFacts,
  hook: HookScript,
  calls: readonly HookLine[],
): readonly Finding[] {
  if (hook.at !== 'after' && hook.at !== 'failure') return [];
  const [first] = begun(calls);
  const ends = vms.map(({ records }) => records.end);
  const completed = run.find(({ type }) => type === 'MigrationCompleted');
  const isEarly = first !== undefined && (completed === undefined || first.time < completed.time);
  const hasFailed = vms.some(({ records }) => records.of('VmMigrationFailed').length > 0);
  const isDue =
    hook.at === 'after'
      ? ends.every((end) => end?.type === 'VmMigrationSucceeded') &&
        !run.some(({ type }) => type === 'MigrationCancelRequested')
      : ends.some((end) => end?.type === 'VmMigrationFailed');
  return [
    ...(isEarly
      ? [found('doubled', `${hook.name} was called at ${first.time}, before all VMs were at an end`)]
      : []),
    ...(first !== undefined && hook.at === 'failure' && !hasFailed
      ? [found('doubled', `${hook.name} was called, and no VM has failed`)]
      : []),
    ...(isDue && first === undefined && hook.run !== 'event'
      ? [found('lost', `${hook.name} (${hook.at}) was due at the plan's end, and was not called`)]
      : []),
  ];
}

const shown = (at: number): string => new Date(at).toISOString();
