import { setTimeout as delay } from 'node:timers/promises';
import type { StoredEvent } from '@ledgerlift/event-log';
import { dataOf, type VmRecords } from '../../judge/records.js';
import { type Finding, found } from '../../run/finding.js';
import type { Asked } from '../../run/operator.js';
import { processesOn } from '../../world/processes.js';
import type { HookLine } from '../answers.js';
import type { Instants } from '../plan.js';
import type { HookScript, RulesScript } from '../script.js';

/** What was done to a source, by its own hypervisor's journal. */
export interface SourceEffect {
  readonly time: string;
  readonly effect: 'power-on' | 'power-off' | 'snapshot-created';
}

export interface VmFacts {
  readonly name: string;
  readonly index: number;
  readonly records: VmRecords;
  /** Without what was done by somebody else. */
  readonly effects: readonly SourceEffect[];
}

/** All that the laws about windows, approvals and hooks look at. */
export interface RulesFacts {
  readonly rules: RulesScript;
  readonly warm: boolean;
  readonly instants: Instants | undefined;
  readonly asked: readonly Asked[];
  /** Of the migration's own stream. */
  readonly run: readonly StoredEvent[];
  readonly vms: readonly VmFacts[];
  /** Of the hooks of this run, what those say who were called. */
  readonly calls: readonly HookLine[];
}

/** A power-off that is bound by windows and approvals, in milliseconds since 1970. */
export interface BindingPowerOff {
  readonly at: number;
  /** When the cutover was begun of which it is; 0: it is of no warm migration. */
  readonly since: number;
}

const timesOf = (events: readonly StoredEvent[]): readonly number[] =>
  events.map(({ time }) => Date.parse(time));

/**
 * A source that was powered off, and started by somebody else, is powered off again whatever the windows say: there is no
 * way back any more. After we powered it on, its next power-off is bound like the first.
 */
export function bindingPowerOffs({ records, effects }: VmFacts): readonly BindingPowerOff[] {
  const back = timesOf(records.step('StepCompleted', 'SourcePowerOn'));
  const begun = timesOf(records.of('CutoverStarted'));
  const offs = effects.filter(({ effect }) => effect === 'power-off').map(({ time }) => Date.parse(time));
  return offs
    .filter((off, n) => {
      const before = offs[n - 1];
      return before === undefined || back.some((at) => at > before && at < off);
    })
    .map((at) => ({ at, since: begun.findLast((each) => each <= at) ?? 0 }));
}

/** Whatever is done to a source first. */
export const firstTouch = ({ effects }: VmFacts): number | undefined =>
  effects
    .filter(({ effect }) => effect !== 'power-on')
    .map(({ time }) => Date.parse(time))
    .at(0);

/** When the VM got its place for the first time. */
export const admittedAt = ({ records }: VmFacts): number | undefined =>
  timesOf(records.of('VmMigrationAdmitted')).at(0);

export const reasonOf = (event: StoredEvent | undefined): unknown => event && dataOf(event)['reason'];

/** How long a command may need to end after its VM is at an end. */
const ENDING_MS = 5000;

/** No command of a hook outlives its migration, whether it hung, its worker was killed, or the VM was canceled. */
export async function judgeHookProcesses(
  journal: string,
  hooks: readonly HookScript[],
  endingMs = ENDING_MS,
): Promise<readonly Finding[]> {
  const commands = hooks.filter(({ run }) => run === 'command').map(({ name }) => `${journal} ${name} `);
  for (const deadline = Date.now() + endingMs; commands.length > 0; await delay(100)) {
    const running = processesOn(journal).filter(({ command }) =>
      commands.some((each) => command.includes(each)),
    );
    if (running.length === 0) return [];
    if (Date.now() > deadline)
      return running.map(({ command }) => found('leaked', `a hook still runs after the end: ${command}`));
  }
  return [];
}
