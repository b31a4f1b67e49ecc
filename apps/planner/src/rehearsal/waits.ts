import type { VmRecord } from '@ledgerlift/contracts';
import { nextOpening } from '@ledgerlift/migration';
import type { Job, Simulated } from './simulate.js';
import type { VmForecast } from './forecast.js';

/** When a warm VM is cut over, as its policy says; nobody is waited for. */
export function cutoverOf(record: Pick<VmRecord, 'settings'>, forecast: VmForecast): Job['cutover'] {
  const { cutoverMs } = forecast;
  if (cutoverMs === undefined) return undefined;
  const { cutover, precopyIntervalMs } = record.settings.warm;
  return {
    ms: cutoverMs,
    notBefore(ready) {
      switch (cutover.by) {
        case 'command':
          return ready;
        case 'time':
          return new Date(Math.max(ready.getTime(), Date.parse(cutover.at)));
        case 'window':
          return nextOpening(cutover.windows, ready);
        case 'downtime': {
          // The first copy took longest; the pass after it is what brings the downtime down.
          const isShort = forecast.downtimeMs <= cutover.maxDowntimeMs;
          return nextOpening(
            cutover.windows,
            isShort ? ready : new Date(ready.getTime() + precopyIntervalMs),
          );
        }
      }
    },
  };
}

/** With hooks of the whole plan at its cutovers: they begin when the first of them is due, and all wait until they are done. */
export function afterPlanHooks(ms: number): (cutover: Job['cutover']) => Job['cutover'] {
  let doneAt = Number.POSITIVE_INFINITY;
  return (cutover) =>
    cutover && {
      ms: cutover.ms,
      notBefore(ready) {
        const due = cutover.notBefore(ready).getTime();
        doneAt = Math.min(doneAt, due + ms);
        return new Date(Math.max(due, doneAt));
      },
    };
}

/** For what a VM waits, in words: before its begin, then in the order in which it comes to it. */
export function waitsOf(
  { settings }: Pick<VmRecord, 'settings'>,
  { waitedFor }: Simulated,
  before: string | undefined,
): readonly string[] {
  const { approve, hooks, type, warm } = settings;
  const answers = hooks
    .filter(({ run, at }) => run.kind === 'event' && at !== 'failure')
    .map(({ name, at }) => `the answer of another system to the hook ${name} (${at})`);
  return [
    ...(approve.start ? ["a second person's word for the start"] : []),
    ...(before === undefined ? [] : [before]),
    ...(waitedFor === undefined ? [] : [waitedFor]),
    ...answers,
    ...(type === 'warm' ? [cutoverWait(warm.cutover)] : []),
    ...(type === 'warm' && approve.cutover ? ["a second person's word for the cutover"] : []),
  ];
}

function cutoverWait(cutover: VmRecord['settings']['warm']['cutover']): string {
  switch (cutover.by) {
    case 'command':
      return "an operator's cutover";
    case 'time':
      return `the time of its cutover, ${cutover.at}`;
    case 'window':
      return 'the window of its cutover';
    case 'downtime':
      return `an expected downtime of at most ${cutover.maxDowntimeMs} ms`;
  }
}
