import { execFileSync, spawn } from 'node:child_process';
import { open, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { CHUNK_SIZE, ChunkManifest } from '../chunks/manifest.js';
import { startServer, type NbdServer } from '../nbd-server/server-process.js';
import { serveForVerification, serveSource, serveSourceTimes, serveTarget } from '../nbd-server/servers.js';
import { acquireWriter, endEarlierWriter } from '../nbd-server/writer.js';
import type { Checkpoint } from './disk-copy.js';
import { DISK, MiB, at, copy, equal, fullOf, raw, running, sparseDisk } from './spec/copying.js';
import { Throttle } from './copier.js';
import { verifyDisk } from './verify.js';

describe('a copy', () => {
  it('leaves a target that was full of 0xA5 equal to the source: zeros are written, never left', async () => {
    const source = await sparseDisk('source');
    const target = await fullOf('target', 0xa5);
    const result = await copy(
      [running(await serveSource({ driver: 'raw', file: source }))],
      running(await serveTarget(raw(target))),
    );
    expect(await equal(source, target)).toBe(true);
    expect(result.bytesRead).toBeLessThan(DISK);
    expect(result.bytesZeroed).toBe(12 * MiB);
  });

  it('does not write zeros to a target that was just made', async () => {
    const source = await sparseDisk('source');
    await (await open(at('target'), 'w')).truncate(DISK);
    const result = await copy(
      [running(await serveSource({ driver: 'raw', file: source }))],
      running(await serveTarget(raw(at('target')))),
      { targetState: 'fresh' },
    );
    expect(await equal(source, at('target'))).toBe(true);
    expect(result.bytesZeroed).toBe(0);
  });

  it('zeroes the tail of a target that is larger than the source', async () => {
    const source = await sparseDisk('source');
    const target = await fullOf('target', 0xa5, DISK + 5 * MiB);
    await copy(
      [running(await serveSource({ driver: 'raw', file: source }))],
      running(await serveTarget(raw(target))),
    );
    const content = await readFile(target);
    expect(content.subarray(DISK).every((byte) => byte === 0)).toBe(true);
    expect(content.subarray(0, DISK).equals(await readFile(source))).toBe(true);
  });

  it('reads a hole that is not said to be zero', async () => {
    // A source that says HOLE, not ZERO, about all of its bytes, none of which is zero.
    const script = `case "$1" in get_size) echo ${DISK};; pread) head -c $3 /dev/zero | tr '\\0' '\\132';; can_extents) exit 0;; extents) echo "$4 $3 hole";; *) exit 2;; esac`;
    await writeFile(at('hole.sh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const source = running(
      await startServer('nbdkit', (socket) => ['-f', '-U', socket, 'sh', at('hole.sh')]),
    );
    const target = await fullOf('target', 0xa5);
    await copy([source], running(await serveTarget(raw(target))));
    expect((await readFile(target)).every((byte) => byte === 0x5a)).toBe(true);
  });

  it('has the same digest for every way of copying the disk', async () => {
    const source = await sparseDisk('source');
    await writeFile(at('dense'), await readFile(source));
    execFileSync('qemu-img', [
      'convert',
      '-f',
      'raw',
      '-O',
      'vmdk',
      '-o',
      'subformat=streamOptimized',
      source,
      at('disk.vmdk'),
    ]);
    const vmdk = await readFile(at('disk.vmdk'));
    await writeFile(at('archive.tar'), Buffer.concat([Buffer.alloc(1536, 7), vmdk, Buffer.alloc(1024)]));
    const within = { offset: 1536, length: vmdk.length };
    const sparse = await copy(
      [running(await serveSource({ driver: 'raw', file: source }))],
      running(await serveTarget(raw(await fullOf('t1', 1)))),
    );
    const dense = await copy(
      [running(await serveSource({ driver: 'raw', file: at('dense') }))],
      running(await serveTarget(raw(await fullOf('t2', 2)))),
    );
    const inTar = await serveSourceTimes({ driver: 'vmdk', file: at('archive.tar'), within }, 2);
    inTar.forEach(running);
    const packed = await copy(inTar, running(await serveTarget(raw(await fullOf('t3', 3)))));
    expect([dense.digest, packed.digest]).toEqual([sparse.digest, sparse.digest]);
    expect(await equal(source, at('t3'))).toBe(true);
  });

  it('stops when it is canceled, however slow it is', async () => {
    const source = running(await serveSource({ driver: 'raw', file: await sparseDisk('source') }));
    const target = running(await serveTarget(raw(await fullOf('target', 0))));
    const stop = new AbortController();
    const copying = copy([source], target, { throttle: new Throttle(1000), signal: stop.signal });
    setTimeout(() => stop.abort(new Error('canceled')), 300);
    await expect(copying).rejects.toThrow('canceled');
  });

  it('goes faster at once when its limit is lifted', async () => {
    const source = running(await serveSource({ driver: 'raw', file: await sparseDisk('source') }));
    const target = running(await serveTarget(raw(await fullOf('target', 0))));
    const throttle = new Throttle(10_000);
    setTimeout(() => throttle.setRate(undefined), 300);
    await copy([source], target, { throttle });
    expect(await equal(at('source'), at('target'))).toBe(true);
  });

  it('fails as transient when a server dies under it', async () => {
    const source = running(await serveSource({ driver: 'raw', file: await sparseDisk('source') }));
    const target = running(await serveTarget(raw(await fullOf('target', 0))));
    let isKilled = false;
    const copying = copy([source], target, {
      throttle: new Throttle(2 * MiB),
      onProgress: () => {
        if (!isKilled) process.kill(source.pid, 'SIGKILL');
        isKilled = true;
      },
    });
    await expect(copying).rejects.toMatchObject({ code: 'LL-DSK-001', failure: 'transient' });
  });

  it('says which request failed when the source cannot be read', async () => {
    const source = running(
      await startServer('nbdkit', (socket) => [
        '-f',
        '-U',
        socket,
        '--filter=error',
        'memory',
        '24M',
        'error-pread=EIO',
        'error-pread-rate=1',
      ]),
    );
    // An empty memory disk is all zeros, which are not read: so the extents are turned off.
    const blind = running(
      await startServer('nbdkit', (socket) => [
        '-f',
        '-U',
        socket,
        '--filter=noextents',
        '--filter=error',
        'memory',
        '24M',
        'error-pread=EIO',
        'error-pread-rate=1',
      ]),
    );
    const target = running(await serveTarget(raw(await fullOf('target', 0xa5, 24 * MiB))));
    await copy([source], target);
    await expect(copy([blind], target)).rejects.toMatchObject({ code: 'LL-DSK-003', failure: 'transient' });
  });
});

describe('a copy that is broken off', () => {
  /** Copies until the second checkpoint, then breaks off. */
  async function brokenOff(source: NbdServer, target: NbdServer): Promise<Checkpoint> {
    const stop = new AbortController();
    const checkpoints: Checkpoint[] = [];
    const copying = copy([source], target, {
      signal: stop.signal,
      throttle: new Throttle(6 * MiB),
      checkpointEvery: { bytes: 2 * MiB, ms: 60_000 },
      onCheckpoint: async (checkpoint) => {
        checkpoints.push(checkpoint);
        if (checkpoints.length === 2) stop.abort(new Error('broken off'));
      },
    });
    await expect(copying).rejects.toThrow('broken off');
    const last = checkpoints.at(-1);
    if (last === undefined) throw new Error('there was no checkpoint');
    return last;
  }

  it('continues from its checkpoint, and ends with the digest of an uninterrupted one', async () => {
    const source = running(await serveSource({ driver: 'raw', file: await sparseDisk('source') }));
    const target = running(await serveTarget(raw(await fullOf('target', 0xa5))));
    const checkpoint = await brokenOff(source, target);
    expect(checkpoint.bytesDone).toBeGreaterThan(0);
    const resumed = await copy([source], target, { checkpoint });
    expect(resumed).toMatchObject({ resumed: 'resumed', bytesKept: checkpoint.bytesDone });
    expect(await equal(at('source'), at('target'))).toBe(true);
    const whole = await copy([source], running(await serveTarget(raw(await fullOf('other', 9)))), {
      manifestPath: at('chunks2'),
    });
    expect(resumed.digest).toBe(whole.digest);
  });

  it('starts over when the source has run since: a checkpoint belongs to one moment', async () => {
    const source = running(await serveSource({ driver: 'raw', file: await sparseDisk('source') }));
    const target = running(await serveTarget(raw(await fullOf('target', 0xa5))));
    const checkpoint = await brokenOff(source, target);
    const other = running(await serveSource({ driver: 'raw', file: await sparseDisk('changed', 77) }));
    const result = await copy([other], target, { checkpoint, momentId: 'off-2' });
    expect(result.resumed).toMatch(/another moment/);
    expect(await equal(at('changed'), at('target'))).toBe(true);
  });

  it('starts over when the manifest is not the one that the checkpoint names', async () => {
    const source = running(await serveSource({ driver: 'raw', file: await sparseDisk('source') }));
    const target = running(await serveTarget(raw(await fullOf('target', 0xa5))));
    const checkpoint = await brokenOff(source, target);
    const manifest = await readFile(at('chunks'));
    manifest.writeUInt8((manifest.at(-1) ?? 0) ^ 0xff, manifest.length - 1);
    await writeFile(at('chunks'), manifest);
    const result = await copy([source], target, { checkpoint });
    expect(result.resumed).toMatch(/manifest is not the one/);
    expect(await equal(at('source'), at('target'))).toBe(true);
  });

  it('claims in a checkpoint only what was flushed: a target that loses its cache loses nothing claimed', async () => {
    const source = running(await serveSource({ driver: 'raw', file: await sparseDisk('source') }));
    const target = await fullOf('target', 0xa5);
    // Writes stay in the filter's own cache until a flush; killed, it forgets them.
    const cached = await startServer('nbdkit', (socket) => [
      '-f',
      '-U',
      socket,
      '--filter=cache',
      'file',
      target,
      'cache=writeback',
    ]);
    const checkpoint = await brokenOff(source, cached);
    process.kill(cached.pid, 'SIGKILL');
    await cached.stop();
    const claimed = await ChunkManifest.load(at('chunks'), DISK, checkpoint.manifestDigest);
    const [sourceBytes, targetBytes] = [await readFile(at('source')), await readFile(target)];
    for (const { offset, length } of claimed?.ranges() ?? []) {
      expect(
        targetBytes.subarray(offset, offset + length).equals(sourceBytes.subarray(offset, offset + length)),
      ).toBe(true);
    }
    await copy([source], running(await serveTarget(raw(target))), { checkpoint });
    expect(await equal(at('source'), target)).toBe(true);
  });
});

describe('one writer', () => {
  /** The locks of a disk matter only where the processes of its writer cannot be seen. */
  const unasked = () => Promise.reject(new Error('the locks were looked at'));

  it('a copier that was stopped and continues after another has finished changes nothing', async () => {
    const source = running(await serveSource({ driver: 'raw', file: await sparseDisk('source') }));
    const target = await fullOf('target', 0xa5);
    const old = await acquireWriter(raw(target), at('writer.json'), 1, unasked);
    const begun = Promise.withResolvers<void>();
    const first = copy([source], old.server, {
      throttle: new Throttle(4 * MiB),
      onProgress: () => begun.resolve(),
      manifestPath: at('chunks-old'),
    });
    first.catch(() => undefined);
    await begun.promise;
    process.kill(old.server.pid, 'SIGSTOP');
    const next = await acquireWriter(raw(target), at('writer.json'), 2, unasked);
    await copy([source], next.server);
    await next.release();
    await expect(first).rejects.toMatchObject({ failure: 'transient' });
    await old.server.stop();
    expect(await equal(at('source'), target)).toBe(true);
  });

  it('an attempt that is late cannot take over from a newer one', async () => {
    const target = await fullOf('target', 0);
    const newer = await acquireWriter(raw(target), at('writer.json'), 3, unasked);
    await expect(acquireWriter(raw(target), at('writer.json'), 2, unasked)).rejects.toMatchObject({
      code: 'LL-DSK-031',
    });
    await newer.release();
  });

  it('is for an operator when the earlier writer was on another host', async () => {
    const target = await fullOf('target', 0);
    const record = { attempt: 1, host: 'elsewhere', bootId: 'b', pid: 1, startTicks: '1' };
    await writeFile(at('writer.json'), JSON.stringify(record));
    await expect(acquireWriter(raw(target), at('writer.json'), 2, unasked)).rejects.toMatchObject({
      failure: 'needs-operator',
    });
  });

  it('a process that only has the pid of the earlier writer is left alone', async () => {
    const target = await fullOf('target', 0);
    const bystander = spawn('sleep', ['30']);
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const { hostname } = await import('node:os');
    const record = { attempt: 1, host: hostname(), bootId, pid: bystander.pid ?? 0, startTicks: '1' };
    await writeFile(at('writer.json'), JSON.stringify(record));
    await endEarlierWriter(target, at('writer.json'), 2, unasked);
    expect(bystander.exitCode).toBeNull();
    expect(bystander.signalCode).toBeNull();
    bystander.kill();
  });
});

describe('verification', () => {
  it('finds one changed bit, in data and in zeros', async () => {
    const source = running(await serveSource({ driver: 'raw', file: await sparseDisk('source') }));
    const target = await fullOf('target', 0xa5);
    const writer = await serveTarget(raw(target));
    const { manifest } = await copy([source], writer);
    await writer.stop();
    const verify = async (mode: 'written' | 'full'): Promise<void> => {
      const { server } = await serveForVerification(raw(target));
      await verifyDisk({
        target: server,
        path: target,
        manifest,
        mode,
        signal: new AbortController().signal,
      }).finally(() => server.stop());
    };
    await verify('written');
    await verify('full');
    const flip = async (offset: number): Promise<void> => {
      const file = await open(target, 'r+');
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, offset);
      await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, offset);
      await file.close();
    };
    await flip(4 * CHUNK_SIZE + 17);
    await verify('written');
    await expect(verify('full')).rejects.toMatchObject({ code: 'LL-DSK-011', chunks: [4] });
    await flip(100);
    await expect(verify('written')).rejects.toMatchObject({ chunks: [0] });
  });
});
