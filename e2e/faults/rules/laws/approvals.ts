import type { StoredEvent } from '@ledgerlift/event-log';
import { dataOf } from '../../judge/records.js';
import { type Finding, found } from '../../run/finding.js';
import type { Asked } from '../../run/operator.js';
import { STARTER } from '../script.js';
import {
  type RulesFacts,
  type VmFacts,
  admittedAt,
  bindingPowerOffs,
  firstTouch,
  reasonOf,
} from './facts.js';

/** Nothing begins, and no source is powered off, before somebody else than the one who asked has said yes. */
export const judgeApprovals = (facts: RulesFacts): readonly Finding[] => [
  ...(facts.rules.approvals.start ? judgeStart(facts) : []),
  ...(facts.rules.approvals.cutover ? facts.vms.flatMap((vm) => judgeCutover(facts, vm)) : []),
  ...judgeAnswers(facts),
];

const mayHold = ({ answer }: Asked): boolean => answer !== 'refused';

function judgeStart({ asked, run, vms, calls }: RulesFacts): readonly Finding[] {
  const approvals = asked.filter(
    (each) => each.kind === 'approve-start' && each.by !== STARTER && mayHold(each),
  );
  const from = Math.min(...approvals.map(({ at }) => Date.parse(at)));
  const early = (at: number | undefined): at is number => at !== undefined && at < from;
  const given = run.find(({ type }) => type === 'MigrationApproved');
  const giver = asked.find(({ reason }) => reason === reasonOf(given))?.by;
  return [
    ...vms.flatMap((vm) =>
      [admittedAt(vm), firstTouch(vm)]
        .filter(early)
        .map((at) =>
          found('doubled', `${vm.name} began at ${shown(at)}, before a second person approved the start`),
        ),
    ),
    ...calls
      .filter(({ time }) => early(Date.parse(time)))
      .map(({ hook, time }) =>
        found('doubled', `${hook} was called at ${time}, before the start was approved`),
      ),
    ...(given !== undefined && (giver === undefined || giver === STARTER)
      ? [found('doubled', `${giver ?? 'nobody'} approved a start that ${STARTER} asked for`)]
      : []),
  ];
}

/** What is said about a cutover: the last word before its begin must be the approval. */
const WORDS = new Set(['CutoverScheduled', 'CutoverDeferred', 'CutoverWithdrawn', 'CutoverApproved']);

function judgeCutover({ asked }: RulesFacts, vm: VmFacts): readonly Finding[] {
  const person = (event: StoredEvent | undefined): string | undefined =>
    asked.find(({ reason }) => reason === reasonOf(event))?.by;
  return bindingPowerOffs(vm).flatMap(({ at, since }): readonly Finding[] => {
    const before = vm.records.events.slice(
      0,
      vm.records.events.findLastIndex(
        ({ type, time }) => type === 'CutoverStarted' && Date.parse(time) <= since,
      ) + 1,
    );
    const last = before.findLast(({ type }) => WORDS.has(type));
    const request = before.findLast(({ type }) => type === 'CutoverScheduled');
    // What the plan's policy schedules was asked for by whoever started the plan.
    const asker = request !== undefined && dataOf(request)['by'] === 'command' ? person(request) : STARTER;
    const giver = last?.type === 'CutoverApproved' ? person(last) : undefined;
    const isSaid = asked.some(
      (each) =>
        each.kind === 'approve-cutover' &&
        each.vm === vm.index &&
        each.by !== asker &&
        mayHold(each) &&
        Date.parse(each.at) <= at,
    );
    return isSaid && giver !== undefined && giver !== asker
      ? []
      : [
          found(
            'doubled',
            `${vm.name} was powered off at ${shown(at)}; asked for by ${asker ?? 'nobody'}, approved by ${giver ?? 'nobody'}`,
          ),
        ];
  });
}

/** What must have been refused. */
function judgeAnswers({ rules, asked, vms }: RulesFacts): readonly Finding[] {
  return asked
    .filter(({ kind, answer }) => kind === 'approve-cutover' && answer === 'accepted')
    .flatMap((each): readonly Finding[] => {
      const tells = (why: string): readonly Finding[] => [
        found('doubled', `"${each.reason}" by ${each.by} was accepted: ${why}`),
      ];
      if (!rules.approvals.cutover) return tells('the plan asks for no approval');
      if (each.moment === 'another') return tells('the cutover is not scheduled for then');
      const events = vms.find(({ index }) => index === each.vm)?.records.events ?? [];
      return events.some(({ type }) => type === 'CutoverApproved') ? [] : tells('the log knows of none');
    });
}

const shown = (at: number): string => new Date(at).toISOString();
