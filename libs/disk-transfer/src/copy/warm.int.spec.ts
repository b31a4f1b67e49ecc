import { copyFile, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { type ByteRange, ChunkManifest } from '../chunks/manifest.js';
import { startServer } from '../nbd-server/server-process.js';
import type { Checkpoint } from './disk-copy.js';
import { type CopyOptions, type CopyResult, Throttle } from './copier.js';
import {
  DISK,
  MiB,
  at,
  copy,
  equal,
  fullOf,
  pattern,
  reading,
  running,
  sparseDisk,
  writing,
} from './spec/copying.js';

/** What a source does between two moments: from which byte on what stands there then; `hole`: zeros. */
interface Write {
  readonly offset: number;
  readonly length: number;
  readonly content: number | 'hole';
}

/** A next moment of a disk: another file with what was written since. */
async function next(from: string, name: string, writes: readonly Write[]): Promise<string> {
  await copyFile(from, at(name));
  const file = await open(at(name), 'r+');
  for (const { offset, length, content } of writes) {
    const bytes = content === 'hole' ? Buffer.alloc(length) : pattern(length, content);
    await file.write(bytes, 0, undefined, offset);
  }
  await file.close();
  return at(name);
}

/** A target, and what the log has of its copy. */
class Target {
  checkpoint: Checkpoint | undefined;
  /** How many more checkpoints get into the log; then it is as if the planner were gone. */
  reaching = Number.POSITIVE_INFINITY;
  readonly asked: string[] = [];

  async pass(
    source: string,
    momentId: string,
    changes: readonly ByteRange[] | undefined = undefined,
    change: Partial<CopyOptions> = {},
  ): Promise<CopyResult> {
    const [from, to] = [await reading(source), await writing(at('target'))];
    try {
      return await copy([from], to, {
        momentId,
        changeId: `since-${momentId}`,
        checkpoint: this.checkpoint,
        changesSince: async (changeId) => {
          this.asked.push(changeId);
          return changes;
        },
        onCheckpoint: async (checkpoint) => {
          if (this.reaching-- > 0) this.checkpoint = checkpoint;
        },
        ...change,
      });
    } finally {
      await Promise.all([from.stop(), to.stop()]);
    }
  }
}

/** Does it once, when a copy has done so many bytes. */
function once(bytes: number, act: () => void): NonNullable<CopyOptions['onProgress']> {
  let isDone = false;
  return ({ bytesDone }) => {
    if (isDone || bytesDone < bytes) return;
    isDone = true;
    act();
  };
}

async function copied(): Promise<{ readonly target: Target; readonly first: string }> {
  const first = await sparseDisk('m0');
  await fullOf('target', 0xa5);
  const target = new Target();
  await target.pass(first, 'm0');
  return { target, first };
}

const change: readonly Write[] = [
  { offset: 2 * MiB + 100, length: 600, content: 7 },
  { offset: 9 * MiB - 10, length: 20, content: 8 },
  { offset: DISK - 4, length: 4, content: 9 },
];

describe('a pass of another moment', () => {
  it('reads what changed, and little more', async () => {
    const { target, first } = await copied();
    const second = await next(first, 'm1', change);
    const result = await target.pass(second, 'm1', change);
    expect(target.asked).toEqual(['since-m0']);
    expect(result).toMatchObject({ base: 'changed', bytesKept: DISK - 3 * MiB - 4096 });
    expect(result.bytesRead).toBeLessThanOrEqual(3 * MiB + 4096);
    expect(await equal(second, at('target'))).toBe(true);
  });

  it('has the digest that a whole copy has', async () => {
    const { target, first } = await copied();
    const second = await next(first, 'm1', change);
    const delta = await target.pass(second, 'm1', change);
    const whole = await copy([await reading(second)], await writing(await fullOf('other', 3)), {
      manifestPath: at('other.chunks'),
    });
    expect(delta.digest).toBe(whole.digest);
  });

  it('zeroes what became zeros, and does not read it', async () => {
    const { target, first } = await copied();
    const hole = { offset: 0, length: 3 * MiB, content: 'hole' } as const;
    const second = await next(first, 'm1', [hole]);
    const file = await open(second, 'r+');
    await file.close();
    const sparse = await open(at('sparse'), 'w');
    await sparse.truncate(DISK);
    const bytes = await readFile(second);
    for (let offset = 3 * MiB; offset < DISK; offset += MiB) {
      const chunk = bytes.subarray(offset, Math.min(offset + MiB, DISK));
      if (chunk.some((byte) => byte !== 0)) await sparse.write(chunk, 0, undefined, offset);
    }
    await sparse.close();
    const result = await target.pass(at('sparse'), 'm1', [hole]);
    expect(result).toMatchObject({ bytesRead: 0, bytesZeroed: 3 * MiB });
    expect(await equal(second, at('target'))).toBe(true);
  });

  it('of a disk that has grown compares the whole disk and writes the differences', async () => {
    const { target, first } = await copied();
    const second = await next(first, 'm1', change);
    for (const path of [second, at('target')]) await truncate(path, DISK + 3 * MiB + 512);
    const grown = await open(second, 'r+');
    await grown.write(pattern(600, 5), 0, undefined, DISK + MiB);
    await grown.close();
    const result = await target.pass(second, 'm1', change);
    expect(target.asked).toEqual([]);
    expect(result).toMatchObject({ base: 'compared', size: DISK + 3 * MiB + 512 });
    expect(result.resumed).toContain('grown');
    // Those of the change, the last one of before that was no whole one, and what was written behind it.
    expect(result.bytesWritten).toBeLessThanOrEqual(5 * MiB);
    expect(await equal(second, at('target'))).toBe(true);
    const whole = await copy([await reading(second)], await writing(await fullOf('other', 3, result.size)), {
      manifestPath: at('other.chunks'),
    });
    expect(result.digest).toBe(whole.digest);
  });

  it('copies nothing when nothing changed', async () => {
    const { target, first } = await copied();
    const result = await target.pass(first, 'm1', []);
    expect(result).toMatchObject({ bytesRead: 0, bytesWritten: 0, bytesZeroed: 0 });
    expect(target.checkpoint).toMatchObject({ momentId: 'm1', changeId: 'since-m1', bytesDone: DISK });
  });

  it('continues an interrupted one with the changed and the unfinished chunks', async () => {
    const first = await sparseDisk('m0');
    await fullOf('target', 0xa5);
    const target = new Target();
    const ending = new AbortController();
    const broken = target.pass(first, 'm0', undefined, {
      ending: ending.signal,
      throttle: new Throttle(6 * MiB),
      onProgress: once(4 * MiB, () => ending.abort(new Error('cutover'))),
    });
    await expect(broken).rejects.toThrow('cutover');
    const done = target.checkpoint?.bytesDone ?? 0;
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(DISK);
    const second = await next(first, 'm1', change);
    const result = await target.pass(second, 'm1', change);
    expect(result.base).toBe('changed');
    expect(result.bytesKept).toBeLessThanOrEqual(done);
    expect(result.bytesKept).toBeGreaterThan(0);
    expect(await equal(second, at('target'))).toBe(true);
  });

  it('leaves nothing of a moment whose pass was lost with its worker: the older change id covers it', async () => {
    const { target, first } = await copied();
    const second = await next(first, 'm1', change);
    // The worker writes all of the second moment, is killed before it is flushed, and nothing got into the log.
    target.reaching = 0;
    const kill = new AbortController();
    const killed = target.pass(second, 'm1', change, {
      signal: kill.signal,
      onProgress: ({ bytesDone }) => {
        if (bytesDone === DISK) kill.abort(new Error('killed'));
      },
    });
    await expect(killed).rejects.toThrow('killed');
    expect(target.checkpoint?.momentId).toBe('m0');
    expect(await equal(second, at('target'))).toBe(true);
    // Until the third moment the source takes back what it had written, and writes elsewhere.
    const elsewhere: readonly Write[] = [{ offset: 15 * MiB, length: MiB, content: 11 }];
    const third = await next(first, 'm2', elsewhere);
    target.reaching = Number.POSITIVE_INFINITY;
    const result = await target.pass(third, 'm2', [...change, ...elsewhere]);
    expect(result.base).toBe('changed');
    expect(await equal(third, at('target'))).toBe(true);
  });

  it('starts over where the checkpoint has no change id', async () => {
    const { target, first } = await copied();
    const { changeId: _, ...checkpoint } = target.checkpoint ?? never();
    target.checkpoint = checkpoint;
    const second = await next(first, 'm1', change);
    const result = await target.pass(second, 'm1', change);
    expect(result).toMatchObject({ base: 'started', bytesKept: 0 });
    expect(await equal(second, at('target'))).toBe(true);
  });
});

describe('a pass whose change id is void', () => {
  it('reads all, and rewrites only what differs', async () => {
    const { target, first } = await copied();
    const second = await next(first, 'm1', change);
    const result = await target.pass(second, 'm1', undefined);
    expect(result).toMatchObject({ base: 'compared', bytesZeroed: 0 });
    expect(result.bytesRead).toBeGreaterThan(12 * MiB);
    expect(result.bytesWritten).toBeLessThanOrEqual(3 * MiB + 4096);
    expect(await equal(second, at('target'))).toBe(true);
  });

  it('does not take for the same what another pass wrote and the log never learned', async () => {
    const { target, first } = await copied();
    const second = await next(first, 'm1', change);
    target.reaching = 0;
    await target.pass(second, 'm1', change);
    // What the manifest of the log says is what the source holds again; the target holds something else.
    target.reaching = Number.POSITIVE_INFINITY;
    await target.pass(first, 'm2', undefined);
    expect(await equal(first, at('target'))).toBe(true);
  });

  it('that is killed itself leaves nothing that a next one would take for the same', async () => {
    const { target, first } = await copied();
    const second = await next(first, 'm1', [{ offset: 0, length: MiB, content: 5 }]);
    target.reaching = 0;
    const kill = new AbortController();
    const broken = target.pass(second, 'm1', undefined, {
      signal: kill.signal,
      throttle: new Throttle(4 * MiB),
      onProgress: once(2 * MiB, () => kill.abort(new Error('gone'))),
    });
    await expect(broken).rejects.toThrow('gone');
    expect(await equal(first, at('target'))).toBe(false);
    target.reaching = Number.POSITIVE_INFINITY;
    await target.pass(first, 'm2', undefined);
    expect(await equal(first, at('target'))).toBe(true);
  });

  it('starts over where the manifest is gone', async () => {
    const { target, first } = await copied();
    for (const file of [...ChunkManifest.beside(at('chunks')), at('chunks')]) await rm(file, { force: true });
    const result = await target.pass(first, 'm1', []);
    expect(result.base).toBe('started');
    expect(result.resumed).toMatch(/manifest/);
  });
});

describe('a manifest that moved on by one, which the log never learned', () => {
  it('is continued, except for chunks that may have been started since', async () => {
    const { target, first } = await copied();
    const second = await next(first, 'm1', change);
    // Only the first checkpoint of the pass is made, before anything is written.
    target.reaching = 0;
    const stop = new AbortController();
    const lost = target.pass(second, 'm1', change, {
      signal: stop.signal,
      onCheckpoint: async () => stop.abort(new Error('killed')),
    });
    await expect(lost).rejects.toThrow('killed');
    target.reaching = Number.POSITIVE_INFINITY;
    const result = await target.pass(second, 'm1', change);
    expect(result).toMatchObject({ base: 'changed', bytesKept: DISK - 3 * MiB - 4096 });
    expect(await equal(second, at('target'))).toBe(true);
  });
});

describe('a copy that is told to end', () => {
  it('keeps all that was under way, and nothing is read twice', async () => {
    const source = await sparseDisk('m0');
    await fullOf('target', 0xa5);
    const target = new Target();
    const ending = new AbortController();
    const paused = target.pass(source, 'm0', undefined, {
      ending: ending.signal,
      throttle: new Throttle(4 * MiB),
      onProgress: once(2 * MiB, () => ending.abort(new Error('pause'))),
      checkpointEvery: { bytes: 1024 * MiB, ms: 60_000 },
    });
    await expect(paused).rejects.toThrow('pause');
    const done = target.checkpoint?.bytesDone ?? 0;
    expect(done).toBeGreaterThan(0);
    const rest = await target.pass(source, 'm0');
    expect(rest).toMatchObject({ base: 'resumed', bytesKept: done });
    expect(await equal(source, at('target'))).toBe(true);
  });

  it('gives up its checkpoint when the target hangs', async () => {
    const from = await reading(await sparseDisk('m0'));
    const to = await writing(await fullOf('target', 0xa5));
    const ending = new AbortController();
    const checkpoints: Checkpoint[] = [];
    const begun = Promise.withResolvers<void>();
    const hung = copy([from], to, {
      ending: ending.signal,
      throttle: new Throttle(4 * MiB),
      onProgress: once(2 * MiB, begun.resolve),
      checkpointEvery: { bytes: 1024 * MiB, ms: 60_000 },
      onCheckpoint: async (checkpoint) => void checkpoints.push(checkpoint),
    });
    hung.catch(() => undefined);
    await begun.promise;
    process.kill(to.pid, 'SIGSTOP');
    ending.abort(new Error('pause'));
    await expect(hung).rejects.toThrow('pause');
    expect(checkpoints).toEqual([]);
    process.kill(to.pid, 'SIGCONT');
  });

  it('checkpoints what it has when its source fails', async () => {
    const source = await sparseDisk('m0');
    await fullOf('target', 0xa5);
    const [from, to] = [await reading(source), await writing(at('target'))];
    const checkpoints: Checkpoint[] = [];
    const failing = copy([from], to, {
      throttle: new Throttle(4 * MiB),
      onProgress: once(2 * MiB, () => process.kill(from.pid, 'SIGKILL')),
      checkpointEvery: { bytes: 1024 * MiB, ms: 60_000 },
      onCheckpoint: async (checkpoint) => void checkpoints.push(checkpoint),
    });
    await expect(failing).rejects.toMatchObject({ code: 'LL-DSK-001' });
    expect(checkpoints[0]?.bytesDone).toBeGreaterThan(0);
  });

  it('makes no checkpoint after a flush that failed: a second one would prove nothing', async () => {
    const source = await sparseDisk('m0');
    await rm(at('flushed'), { force: true });
    const script = [
      `case "$1" in get_size) echo ${DISK};; can_write|can_flush|can_zero) exit 0;;`,
      'pread) head -c $3 /dev/zero;; pwrite) cat > /dev/null;; zero) exit 0;;',
      `flush) if [ -e ${at('flushed')} ]; then exit 0; fi; touch ${at('flushed')}; echo EIO >&2; exit 1;;`,
      '*) exit 2;; esac',
    ].join('\n');
    await writeFile(at('flush.sh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const target = running(
      await startServer('nbdkit', (socket) => ['-f', '-U', socket, 'sh', at('flush.sh')]),
    );
    const checkpoints: Checkpoint[] = [];
    const failing = copy([await reading(source)], target, {
      onCheckpoint: async (checkpoint) => void checkpoints.push(checkpoint),
    });
    await expect(failing).rejects.toMatchObject({ code: 'LL-DSK-003' });
    expect(checkpoints).toEqual([]);
  });
});

function never(): never {
  throw new Error('there is no checkpoint');
}
