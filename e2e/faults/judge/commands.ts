import type { CommandKind } from '../script/script.js';
import type { Asked } from '../run/operator.js';
import { type Finding, found } from '../run/finding.js';
import { type Records, dataOf } from './records.js';

/** What an accepted command of one VM leads to. */
const EVENT_OF: Readonly<Partial<Record<CommandKind, string>>> = {
  cancel: 'CancelRequested',
  pause: 'PauseRequested',
  resume: 'ResumeRequested',
  cutover: 'CutoverScheduled',
  'approve-cutover': 'CutoverApproved',
  'test-boot': 'TestBootRequested',
  rollback: 'RollbackRequested',
};

/** What was acknowledged is in the log, once; what was refused is not. */
export function judgeCommands(
  records: Records,
  migration: string,
  asked: readonly Asked[],
): readonly Finding[] {
  return asked.flatMap((each): readonly Finding[] => {
    const { kind, vm, reason, answer } = each;
    const stream = `vm-${migration}-${vm}`;
    const said = records.all.filter((event) => dataOf(event)['reason'] === reason);
    const twice = [...Map.groupBy(said, (event) => `${event.type} of ${event.stream}`)].filter(
      ([, events]) => events.length > 1,
    );
    const type = EVENT_OF[kind];
    // Asked for again while it is so already, it is accepted and nothing is new.
    const isThere = records.all.some((event) => event.stream === stream && event.type === type);
    return [
      ...twice.map(([what]) => found('doubled', `"${reason}" led to ${what} more than once`)),
      ...(answer === 'accepted' && type !== undefined && said.length === 0 && !isThere
        ? [found('lost', `"${reason}" was accepted, and there is no ${type} in the log`)]
        : []),
      ...(answer === 'refused' && type !== undefined && said.length > 0
        ? [found('doubled', `"${reason}" was refused (${each.said}), and is in the log all the same`)]
        : []),
    ];
  });
}
