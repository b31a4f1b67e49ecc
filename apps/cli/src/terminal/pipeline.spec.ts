import { describe, expect, it } from '@jest/globals';
import type { PlanHookView } from '@ledgerlift/contracts';
import { hookLines } from './pipeline.js';

const hook = (change: Partial<PlanHookView>): PlanHookView => ({
  name: 'ticket',
  at: 'before',
  index: 2,
  kind: 'event',
  state: 'pending',
  ...change,
});
const lines = (...hooks: PlanHookView[]): string[] => hookLines({ id: 'm', hooks }).split('\n');

describe("a plan's own hooks", () => {
  it('print nothing if the plan has none', () => {
    expect(hookLines({ id: 'm', hooks: [] })).toBe('');
  });

  it('show what they wait for, their error, or their output', () => {
    const error = { code: 'LL-TRF-011', message: 'status 3', class: 'transient' } as const;
    expect(
      lines(
        hook({ waitingFor: 'the hooks before it' }),
        hook({ index: 3, state: 'succeeded', kind: 'command', said: 'begun\nCHG1\n' }),
        hook({ index: 4, state: 'canceled', kind: 'http', error }),
      ),
    ).toEqual([
      'HOOK  NAME    AT      STATE      BY       SAYS',
      '2     ticket  before  pending    event    the hooks before it',
      '3     ticket  before  succeeded  command  CHG1',
      '4     ticket  before  canceled   http     LL-TRF-011 status 3',
    ]);
  });

  it('show the commands that answer a waiting hook and retry a failed one', () => {
    const waits = lines(hook({ state: 'running', waitingFor: 'an answer to the hook ticket' }));
    expect(waits.at(-1)).toBe('ledgerlift answer-hook m/2 ticket');
    expect(lines(hook({ state: 'failed', kind: 'http' })).at(-1)).toBe('ledgerlift retry m/2');
    expect(lines(hook({ state: 'running', kind: 'command' }))).toHaveLength(2);
  });
});
