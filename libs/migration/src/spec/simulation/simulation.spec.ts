import { describe, expect, it } from '@jest/globals';
import type { DomainEvent } from '@ledgerlift/contracts';
import { play } from './play.js';

const STEPS = Number(process.env['LEDGERLIFT_SIMULATION_STEPS'] ?? 100_000);
const SEED = Number(process.env['LEDGERLIFT_SIMULATION_SEED'] ?? 1);

describe('random histories under a virtual clock', () => {
  const histories = play(STEPS, SEED);

  it(`break no law in ${STEPS} steps, and all come to an end`, () => {
    expect(histories.steps).toBeGreaterThanOrEqual(STEPS);
  });

  it('come to every end there is', () => {
    expect(Object.keys(histories.ends).sort()).toEqual(['canceled', 'failed', 'rolled-back', 'succeeded']);
    expect(histories.ends['succeeded']).toBeGreaterThan(STEPS / 2000);
  });

  it('see everything happen that may happen to a VM', () => {
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
      'RemovalTurnAwaited',
      'RemovalTurnReleased',
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
