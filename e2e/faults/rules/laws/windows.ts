import { type Finding, found } from '../../run/finding.js';
import { type RulesFacts, type VmFacts, admittedAt, bindingPowerOffs, firstTouch } from './facts.js';

/** From a decision that is right to its event, with a planner that is stopped in between. */
const LATE_MS = 4000;

/** No VM begins, and no source is powered off, outside the window; by the clock and not by our own word. */
export function judgeWindows(facts: RulesFacts): readonly Finding[] {
  const { window } = facts.rules;
  if (window === undefined || facts.instants === undefined) return [];
  return facts.vms.flatMap((vm) => [
    ...(window.of === 'begin' ? begun(facts, vm) : []),
    // Those of a plan bind a warm VM when it begins, and every other up to its power-off.
    ...(window.of === 'cutover' || !facts.warm ? poweredOff(facts, vm) : []),
  ]);
}

function begun({ instants }: RulesFacts, vm: VmFacts): readonly Finding[] {
  const { opensAt = 0, closesAt = 0 } = instants ?? {};
  const admitted = admittedAt(vm);
  const touched = firstTouch(vm);
  const isOutside = (at: number): boolean => at < opensAt || at > closesAt + LATE_MS;
  return [
    ...(admitted !== undefined && isOutside(admitted)
      ? [found('doubled', `${vm.name} began at ${shown(admitted)}, outside its window`)]
      : []),
    ...(touched !== undefined && (touched < opensAt || admitted === undefined || isOutside(admitted))
      ? [
          found(
            'doubled',
            `the source of ${vm.name} was touched at ${shown(touched)}, and its window was closed`,
          ),
        ]
      : []),
  ];
}

function poweredOff({ instants, asked }: RulesFacts, vm: VmFacts): readonly Finding[] {
  const { opensAt = 0, closesAt = 0 } = instants ?? {};
  const claims = vm.records.step('StepStarted', 'SourcePowerOff').map(({ time }) => Date.parse(time));
  return bindingPowerOffs(vm)
    .filter(({ at }) => {
      const isOverridden = asked.some(
        (each) =>
          each.kind === 'cutover' &&
          each.vm === vm.index &&
          each.answer !== 'refused' &&
          Date.parse(each.at) <= at,
      );
      if (isOverridden) return false;
      const claimed = claims.findLast((each) => each <= at);
      return at < opensAt || claimed === undefined || claimed > closesAt + LATE_MS;
    })
    .map(({ at }) => found('doubled', `${vm.name} was powered off at ${shown(at)}, outside its window`));
}

const shown = (at: number): string => new Date(at).toISOString();
