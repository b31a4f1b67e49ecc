// Copying a half-empty 4 GiB disk, raw and streamOptimized VMDK, with hashing and checkpoints on, against nbdcopy and
// qemu-img convert in the same run: in turns, the best of each. Rates count the disk's whole size.
import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Throttle, copyDisk, serveSource, serveSourceTimes, serveTarget } from '@ledgerlift/disk-transfer';

const SIZE = 4 * 1024 ** 3;
const PIECE = 16 * 1024 ** 2;
const ROUNDS = 3;

export async function run(emit) {
  const folder = await mkdtemp(join(tmpdir(), 'ledgerlift-bench-copy-'));
  const at = (name) => join(folder, name);
  try {
    await makeHalfEmptyDisk(at('disk.raw'));
    execFileSync('qemu-img', [
      'convert',
      '-O',
      'vmdk',
      '-o',
      'subformat=streamOptimized',
      at('disk.raw'),
      at('disk.vmdk'),
    ]);
    await compare(emit, 'copy.raw', { driver: 'raw', file: at('disk.raw') }, 1, at);
    await compare(
      emit,
      'copy.stream-optimized',
      { driver: 'vmdk', file: at('disk.vmdk') },
      availableParallelism(),
      at,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Every other 16 MiB is data: half of each block repeats, so that it can be deflated as a guest's data can. */
export async function makeHalfEmptyDisk(path, size = SIZE) {
  const file = await open(path, 'w');
  await file.truncate(size);
  const data = Buffer.alloc(PIECE);
  let state = 1;
  for (let offset = 0; offset < PIECE; offset += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data.writeUInt32LE(offset % 4096 < 2048 ? state : 0x61626364, offset);
  }
  for (let offset = 0; offset < size; offset += 2 * PIECE) await file.write(data, 0, PIECE, offset);
  await file.sync();
  await file.close();
}

async function compare(emit, name, image, servers, at) {
  const best = {
    ours: Number.POSITIVE_INFINITY,
    nbdcopy: Number.POSITIVE_INFINITY,
    'qemu-img': Number.POSITIVE_INFINITY,
  };
  const time = async (who, copy) => {
    await rm(at('target'), { force: true });
    const target = await open(at('target'), 'w');
    await target.truncate(SIZE);
    await target.close();
    const begun = performance.now();
    await copy();
    best[who] = Math.min(best[who], (performance.now() - begun) / 1000);
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    await time('ours', () => ours(image, servers, at));
    await time('nbdcopy', () => nbdcopy(image, at));
    await time('qemu-img', async () => {
      execFileSync('qemu-img', [
        'convert',
        '-n',
        '-f',
        image.driver,
        '-O',
        'raw',
        '-W',
        // Its default is 'unsafe': nothing is flushed, where the other two end with a flush.
        '-t',
        'writeback',
        '-m',
        '16',
        image.file,
        at('target'),
      ]);
    });
  }
  const rate = (seconds) => Math.round(SIZE / seconds / 1e6);
  const peer = best.nbdcopy < best['qemu-img'] ? 'nbdcopy' : 'qemu-img';
  emit({
    name,
    value: rate(best.ours),
    unit: 'MB/s',
    peer,
    peerValue: rate(best[peer]),
    ratio: Number((best[peer] / best.ours).toFixed(3)),
  });
}

async function ours(image, servers, at) {
  const sources = await serveSourceTimes(image, servers);
  const target = await serveTarget({ path: at('target'), format: 'raw' });
  try {
    await copyDisk({
      sources,
      target,
      targetState: 'fresh',
      momentId: 'bench',
      manifestPath: at('chunks'),
      checkpointEvery: { bytes: 4 * 1024 ** 3, ms: 15_000 },
      onCheckpoint: async () => undefined,
      throttle: new Throttle(),
      signal: new AbortController().signal,
    });
  } finally {
    await Promise.all([...sources, target].map((server) => server.stop()));
  }
}

/** The way virt-v2v copies: through NBD at both ends, flushed at the end as ours is. */
async function nbdcopy(image, at) {
  const source = await serveSource(image);
  const target = await serveTarget({ path: at('target'), format: 'raw' });
  try {
    const uri = ({ socket }) => `nbd+unix:///?socket=${socket}`;
    execFileSync('nbdcopy', ['--flush', '--destination-is-zero', uri(source), uri(target)]);
  } finally {
    await Promise.all([source, target].map((server) => server.stop()));
  }
}
