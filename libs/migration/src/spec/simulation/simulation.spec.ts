import { describe, expect, it } from '@jest/globals';
import type { DomainEvent } from '@ledgerlift/contracts';
import { play } from './play.js';

const STEPS = Number(process.env['LEDGERLIFT_SIMULATION_STEPS'] ?? 100_000);
const SEED = Number(process.env['LEDGERLIFT_SIMULATION_SEED'] ?? 1);

describe('random histories under a virtual clock', () => {
  const histories = play(STEPS, SEED);

  it(`break no law in ${STEPS} steps, and every VM ends`, () => {
    expect(histories.steps).toBeGreaterThanOrEqual(STEPS);
  });

  it('reach every outcome', () => {
    expect(Object.keys(histories.ends).sort()).toEqual(['canceled', 'failed', 'rolled-back', 'succeeded']);
    expect(histories.ends['succeeded']).toBeGreaterThan(STEPS / 2000);
  });

  it('contain every event of a VM', () => {
    const expected: readonly DomainEvent['type'][] = [
      'PrecopyStarted',
      'CutoverPassDecided',
      'CutoverApproved',
      'CutoverStarted',
      'TestBootEnded',
      'VmMigrationPaused',
      'SourceRanMeanwhile',
      'SnapshotLost',
      'StepStopped',
      'VmMigrationRolledBack',
      'VmMigrationAbandoned',
      'RemovalSlotAwaited',
      'RemovalSlotReleased',
      'CutoverDeferred',
      'CutoverWithdrawn',
      'PowerOffDeferred',
      'PowerOffDue',
      'CleanupRequested',
      'StepPassedOver',
    ];
    expect(expected.filter((type) => !histories.types.has(type))).toEqual([]);
  });
});
