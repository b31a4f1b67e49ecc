import { open, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ByteRange } from '../chunks/manifest.js';
import { serveTarget } from '../nbd-server/servers.js';
import type { Checkpoint } from './disk-copy.js';
import { MiB, at, copy, equal, fullOf, pattern, raw, reading } from './spec/copying.js';

const SIZE = 3 * MiB + 4096;
const FULL = pattern(SIZE, 1);
const OTHER = pattern(SIZE, 2);

/** What the source writes between two moments. Few contents, so that what was there often comes back. */
const Write = fc.record({
  offset: fc.constantFrom(0, MiB, MiB + 512, 2 * MiB, 3 * MiB),
  length: fc.constantFrom(4096, MiB, MiB, 2 * MiB),
  content: fc.constantFrom<'full' | 'other' | 'zeros'>('full', 'other', 'zeros'),
});
/** How a pass goes: how far it gets, which of its checkpoints the log learns of, and whether change ids hold. */
const Pass = fc.record({
  writes: fc.array(Write, { minLength: 1, maxLength: 2 }),
  moment: fc.constantFrom<'new' | 'same'>('new', 'new', 'new', 'same'),
  end: fc.constantFrom<'complete' | 'killed' | 'ended'>('complete', 'killed', 'killed', 'ended'),
  after: fc.integer({ min: 0, max: 3 }),
  reaching: fc.constantFrom(0, 1, 2, 100),
  changeIds: fc.constantFrom<'hold' | 'void'>('hold', 'void'),
  checkpointEvery: fc.constantFrom(MiB, 1024 * MiB),
});
type Pass = typeof Pass extends fc.Arbitrary<infer T> ? T : never;

/** A source that changes, a target, and a log that does not learn of everything. */
class History {
  #moment = 0;
  #checkpoint: Checkpoint | undefined;
  /** By the moment before which it was written. */
  readonly #written: { readonly before: number; readonly range: ByteRange }[] = [];

  async pass({ writes, moment, end, after, reaching, changeIds, checkpointEvery }: Pass): Promise<void> {
    if (moment === 'new') {
      this.#moment += 1;
      await this.#write(writes);
    }
    const source = await reading(at('source'));
    const target = await serveTarget(raw(at('target')));
    const [kill, ending] = [new AbortController(), new AbortController()];
    let [chunks, reached] = [0, 0];
    try {
      await copy([source], target, {
        momentId: `m${this.#moment}`,
        changeId: String(this.#moment),
        checkpoint: this.#checkpoint,
        changesSince: async (changeId) =>
          changeIds === 'void' ? undefined : this.#changesSince(Number(changeId)),
        checkpointEvery: { bytes: checkpointEvery, ms: 60_000 },
        inFlight: 2,
        onCheckpoint: async (checkpoint) => {
          if (reached++ < reaching) this.#checkpoint = checkpoint;
        },
        onProgress: () => {
          if (chunks++ < after) return;
          if (end === 'killed') kill.abort(new Error('killed'));
          if (end === 'ended') ending.abort(new Error('ended'));
        },
        signal: kill.signal,
        ending: ending.signal,
      });
    } catch (error) {
      if (!kill.signal.aborted && !ending.signal.aborted) throw error;
    } finally {
      // A killed attempt's server is killed with it.
      process.kill(target.pid, 'SIGKILL');
      await Promise.all([source.stop(), target.stop()]);
    }
  }

  async #write(writes: Pass['writes']): Promise<void> {
    const file = await open(at('source'), 'r+');
    for (const { offset, length, content } of writes) {
      const end = Math.min(offset + length, SIZE);
      const bytes = content === 'zeros' ? Buffer.alloc(SIZE) : content === 'full' ? FULL : OTHER;
      await file.write(bytes.subarray(offset, end), 0, undefined, offset);
      this.#written.push({ before: this.#moment, range: { offset, length: end - offset } });
    }
    await file.close();
  }

  #changesSince(moment: number): readonly ByteRange[] {
    return this.#written
      .flatMap(({ before, range }) => (before > moment ? [range] : []))
      .sort((a, b) => a.offset - b.offset);
  }
}

/** All of it, and the log learns of it. */
const whole = (writes: Pass['writes'], changeIds: Pass['changeIds']): Pass => ({
  writes,
  moment: 'new',
  end: 'complete',
  after: 0,
  reaching: 100,
  changeIds,
  checkpointEvery: MiB,
});

describe('whatever passes broke off, and whatever the log did not learn', () => {
  it('the last pass leaves the target equal to the source', async () => {
    const histories = fc.tuple(fc.array(Pass, { minLength: 1, maxLength: 4 }), Pass);
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(histories, async ([passes, { writes, changeIds }]) => {
        runs += 1;
        await writeFile(at('source'), FULL);
        await fullOf('target', 0xa5, SIZE);
        await writeFile(at('chunks'), '');
        await writeFile(at('chunks.previous'), '');
        const history = new History();
        for (const pass of [whole([], 'hold'), ...passes, whole(writes, changeIds)]) await history.pass(pass);
        expect(await equal(at('source'), at('target'))).toBe(true);
      }),
      { numRuns: 25, endOnFailure: true },
    );
    expect(runs).toBe(25);
    expect((await readFile(at('source'))).length).toBe(SIZE);
  });
});
