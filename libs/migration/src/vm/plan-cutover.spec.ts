import { alwaysPresent } from '../presence.js';
import { describe, expect, it } from '@jest/globals';
import { noon, record, warmItinerary } from '../spec/fixtures.js';
import { given, History } from '../spec/vm-specification.js';
import { pipelineOf } from './pipeline.js';
import { wakeAt } from './waits.js';

const later = (minutes: number): Date => new Date(noon.getTime() + minutes * 60_000);
const settings = { ...record.settings, type: 'warm' as const };
const asked = History.empty
  .after({
    kind: 'plan',
    record: { ...record, settings, cutoverAwaits: 'plan-hooks' },
    itinerary: warmItinerary,
  })
  .admitted()
  .completes('Initialize', 'DiskAllocation', 'SnapshotCreation', 'DiskTransfer')
  .after({ kind: 'cutover', reason: 'now', by: 'ada', dueAt: later(1), at: noon });
const release = { kind: 'release-cutover', hooks: ['open'] } as const;

describe('a cutover that waits for hooks of the whole plan', () => {
  it('does not begin when it is due, and says what it waits for', () => {
    given(asked)
      .when({ kind: 'wake', at: later(2), random: 0, presence: alwaysPresent })
      .then();
    const waiting = pipelineOf(asked.live).flatMap(({ waitingFor }) => waitingFor ?? []);
    expect(waiting.join()).toMatch(/the plan's hooks at the cutover/);
  });

  it('lets rounds continue meanwhile', () => {
    expect(wakeAt(asked.live, alwaysPresent)).toBe(later(60).getTime());
    given(asked)
      .when({ kind: 'wake', at: later(60), random: 0, presence: alwaysPresent })
      .then('PrecopyStarted');
  });

  it('begins once they are done', () => {
    given(asked)
      .when(release)
      .then({ type: 'CutoverReleased', data: { hooks: ['open'] } });
    const released = asked.after(release);
    expect(wakeAt(released.live, alwaysPresent)).toBe(later(1).getTime());
    given(released)
      .when({ kind: 'wake', at: later(2), random: 0, presence: alwaysPresent })
      .then('CutoverStarted');
  });

  it('is released once, and only if it waits', () => {
    given(asked.after(release)).when(release).then();
    given(History.warm().after({ kind: 'admit', at: noon }))
      .when(release)
      .then();
  });
});
