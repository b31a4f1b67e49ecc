import { describe, expect, it } from '@jest/globals';
import { type ItineraryStep, type Resource, resourceKey } from '@ledgerlift/contracts';
import { folder, noon, noRoot, overlay, record, v2vLog } from '../spec/fixtures.js';
import { History } from '../spec/vm-specification.js';

const brought: Resource = { kind: 'disk', name: 'in/a.img', service: 'transfer', lifetime: 'result' };

const step = (
  name: ItineraryStep['step'],
  service: ItineraryStep['service'],
  claims: readonly Resource[] = [],
): ItineraryStep => ({
  step: name,
  phase: 'conversion',
  service,
  site: 'local',
  part: 'main',
  claims: [...claims],
});
const itinerary = [
  step('Initialize', 'transfer'),
  step('SourcePowerOff', 'transfer'),
  step('DiskAllocation', 'transfer', [folder]),
  step('ImageConversion', 'converter', [overlay, v2vLog]),
  step('ImageCommit', 'converter'),
  step('VirtualMachineCreation', 'vm-creator'),
  step('FinalPowerActions', 'vm-creator'),
];
const settings = { ...record.settings, type: 'conversion' as const };

/** Its disk is adopted, and the conversion is requested. */
const adopted = History.empty
  .after({ kind: 'plan', record: { ...record, settings }, itinerary })
  .admitted()
  .completes('Initialize', 'SourcePowerOff')
  .claimed()
  .says('DiskAllocation', 1, {
    adopted: [brought],
    outcome: { kind: 'completed', result: { step: 'DiskAllocation', disks: [] } },
  });
const succeeded = adopted
  .completes('ImageConversion', 'ImageCommit', 'VirtualMachineCreation', 'FinalPowerActions')
  .completes('Cleanup');
const failed = adopted.fails('ImageConversion', noRoot);

/** All that any clean-up of the history was ever asked to remove. */
const removed = ({ events }: History): readonly string[] =>
  events.flatMap(({ type, data }) =>
    type === 'CleanupDecided' || type === 'StepRequested' ? (data.release ?? []).map(resourceKey) : [],
  );

describe('a disk that the user brought', () => {
  it.each<[string, History, string]>([
    ['a success', succeeded, 'succeeded'],
    ['a failure', failed, 'failed'],
    [
      'a cancel before it is converted',
      adopted.after({ kind: 'cancel', reason: 'no' }).completes('Cleanup', 'Cleanup'),
      'canceled',
    ],
    [
      'a cancel while it is converted',
      adopted.claimed().after({ kind: 'cancel', reason: 'no' }).stops().completes('Cleanup', 'Cleanup'),
      'canceled',
    ],
    [
      'a rollback',
      succeeded.after({ kind: 'rollback', reason: 'slow', at: noon }).completes('TargetPowerOff'),
      'rolled-back',
    ],
    [
      'a failed VM that is given up',
      failed.after({ kind: 'abandon', reason: 'enough' }).completes('Cleanup', 'Cleanup'),
      'failed',
    ],
  ])('is there after %s, and told as kept', (_, history, phase) => {
    expect(history.live.phase).toBe(phase);
    expect(removed(history)).not.toContain(resourceKey(brought));
    expect(history.decided.kept).toContainEqual({
      resource: brought,
      reason: 'it existed before the migration',
    });
  });

  it('is adopted once, however often it is reported', () => {
    const again = failed
      .after({ kind: 'retry', reason: 'fixed' })
      .admitted()
      .completes('ImageConversion', 'ImageCommit');
    expect(again.events.filter(({ type }) => type === 'ResourceAdopted')).toHaveLength(1);
    expect(Object.keys(again.live.ledger)).not.toContain(resourceKey(brought));
  });
});
