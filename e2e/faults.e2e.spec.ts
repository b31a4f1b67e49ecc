import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

/** As many runs as fit; a campaign has more: `npm run -s check:faults -- --runs 1000`. */
const SECONDS = process.env['LEDGERLIFT_FAULT_SECONDS'] ?? '75';
const SEED = process.env['LEDGERLIFT_FAULT_SEED'] ?? '1';

describe('random runs under faults', () => {
  it('lose, double, leak and hold up nothing', () => {
    const script = join(import.meta.dirname, '..', 'scripts', 'check-faults.mjs');
    const args = ['--runs', '1000', '--seed', SEED, '--seconds', SECONDS, '--json'];
    const { stdout, stderr, status } = spawnSync(process.execPath, [script, ...args], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const [last = ''] = stdout.trimEnd().split('\n').slice(-1);
    const found = stderr.split('\n').filter((line) => /FINDING|^ {2}seed|kept in/.test(line));
    expect({ ...(JSON.parse(last) as object), found }).toMatchObject({
      lost: 0,
      doubled: 0,
      leaked: 0,
      stuck: 0,
      found: [],
    });
    const { runs, faults } = JSON.parse(last) as { readonly runs: number; readonly faults: number };
    expect(runs).toBeGreaterThan(0);
    expect(faults).toBeGreaterThan(0);
    expect(status).toBe(0);
  });
});
