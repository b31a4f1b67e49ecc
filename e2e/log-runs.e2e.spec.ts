import { describe, expect, it } from '@jest/globals';
import { run } from './log-runs/run.js';

/** A campaign takes longer: `npm run -s check:log -- --engine postgres --seconds 600 --writers 20`. */
const SECONDS = 10;

describe.each(['sqlite', 'postgres'] as const)(
  'a log on %s for which processes compete under faults',
  (engine) => {
    it('shows every reader one order without holes, with every acknowledged event once', async () => {
      const { findings, acknowledged } = await run({ engine, seconds: SECONDS, writers: 4, seed: 1 });
      expect(findings).toEqual([]);
      expect(acknowledged).toBeGreaterThan(0);
    });
  },
);
