// What a warm pass costs beside a whole copy of the same disk, in the same run: 2 GiB, half of it data, to a raw file, with
// hashing and checkpoints on. Changes are runs of 1 MiB at random places, as files are written; `scattered` is the worst
// case, single blocks of 4 KiB, each of which makes a chunk of 1 MiB be read. A ratio is the delta's time ÷ the full
// pass's: the less, the better.
//
// `delta.downtime`: a VM of the lab that writes all the time is copied from snapshots, and then powered off: seconds from
// the power-off to the last byte at the target, flushed. Peer: the same VM copied cold, which is off for the whole copy.
import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Throttle, copyDisk, serveSource, serveTarget } from '@ledgerlift/disk-transfer';
import { LabHypervisor } from '@ledgerlift/testing';

const MIB = 1024 ** 2;
const SIZE = 2048 * MIB;
const ROUNDS = 3;

export async function run(emit) {
  const folder = await mkdtemp(join(tmpdir(), 'llb-'));
  try {
    await deltas(emit, (name) => join(folder, name));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await downtime(emit);
}

async function deltas(emit, at) {
  await makeHalfEmptyDisk(at('source.raw'));
  const disk = new Disk(at('target.raw'), at('chunks'));
  const image = { driver: 'raw', file: at('source.raw') };
  let full = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    await disk.forget();
    full = Math.min(full, await timed(() => fromImage(disk, image, [])));
  }
  const cases = [
    ['delta.0.1%', 0.001, MIB],
    ['delta.1%', 0.01, MIB],
    ['delta.10%', 0.1, MIB],
    ['delta.0.1%.scattered', 0.001, 4096],
  ];
  for (const [name, share, run] of cases) {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS; round += 1) {
      const changes = await change(image.file, share, run);
      best = Math.min(best, await timed(() => fromImage(disk, image, changes)));
    }
    emit(row(name, best, 'full pass', full));
  }
  execFileSync('cmp', [image.file, disk.path]);
}

async function downtime(emit) {
  await using lab = await LabHypervisor.start();
  const vm = await lab.createVm({
    name: 'writes',
    disks: [{ id: 'disk', capacityBytes: SIZE, filled: 0.5 }],
    workload: { roundsPerSecond: 100, blockBytes: 65536, regionBytes: 256 * MIB },
  });
  await lab.power(vm, 'on');
  const folder = await mkdtemp(join(tmpdir(), 'llb-'));
  const at = (name) => join(folder, name);
  try {
    const warm = new Disk(at('warm.raw'), at('warm.chunks'));
    await pass(lab, vm, warm, 's0');
    await pass(lab, vm, warm, 's1');
    await lab.removeSnapshot(vm, 's0');
    const warmTook = await timed(async () => {
      await lab.power(vm, 'force-off');
      await pass(lab, vm, warm, 's2');
    });
    if (!(await lab.compare(vm, 'disk', warm.path, 'raw'))) throw new Error('the warm copy differs');

    await lab.power(vm, 'on');
    const cold = new Disk(at('cold.raw'), at('cold.chunks'));
    const coldTook = await timed(async () => {
      await lab.power(vm, 'force-off');
      const source = await lab.do('POST', `/vms/${vm}/disks/disk/export`);
      await cold.pass(source, { momentId: 'off' });
    });
    if (!(await lab.compare(vm, 'disk', cold.path, 'raw'))) throw new Error('the cold copy differs');
    emit(row('delta.downtime', warmTook, 'cold copy', coldTook));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A snapshot, and what changed since the one before; all of it where there is none. */
async function pass(lab, vm, disk, name) {
  await lab.createSnapshot(vm, name);
  const snapshot = await lab.do('GET', `/vms/${vm}/snapshots/${name}`);
  const { nbd, changeId } = snapshot.disks[0];
  await disk.pass(nbd, {
    momentId: snapshot.id,
    changeId,
    changesSince: async (since) => {
      const path = `/vms/${vm}/snapshots/${name}/disks/disk/changes?since=${encodeURIComponent(since)}`;
      const { extents } = await lab.do('GET', path);
      return extents.map(([offset, length]) => ({ offset, length }));
    },
  });
}

async function fromImage(disk, image, changes) {
  const source = await serveSource(image);
  const momentId = `m${(disk.passes += 1)}`;
  try {
    await disk.pass(source, { momentId, changeId: momentId, changesSince: async () => changes });
  } finally {
    await source.stop();
  }
}

/** A target, and the checkpoint up to which it has come. */
class Disk {
  passes = 0;

  constructor(path, manifestPath) {
    Object.assign(this, { path, manifestPath });
  }

  async forget() {
    this.checkpoint = undefined;
    await Promise.all([this.path, this.manifestPath].map((file) => rm(file, { force: true })));
  }

  async pass(source, moment) {
    if (this.checkpoint === undefined) await makeFile(this.path);
    const target = await serveTarget({ path: this.path, format: 'raw' });
    try {
      await copyDisk({
        sources: [source],
        target,
        targetState: this.checkpoint === undefined ? 'fresh' : 'dirty',
        checkpoint: this.checkpoint,
        manifestPath: this.manifestPath,
        checkpointEvery: { bytes: 4 * 1024 ** 3, ms: 15_000 },
        onCheckpoint: async (checkpoint) => {
          this.checkpoint = checkpoint;
        },
        throttle: new Throttle(),
        signal: new AbortController().signal,
        ...moment,
      });
    } finally {
      await target.stop();
    }
  }
}

async function makeFile(path) {
  const file = await open(path, 'w');
  await file.truncate(SIZE);
  await file.close();
}

/** Every other 16 MiB is data. */
async function makeHalfEmptyDisk(path) {
  await makeFile(path);
  const file = await open(path, 'r+');
  for (let offset = 0; offset < SIZE; offset += 32 * MIB)
    await file.write(noise(16 * MIB), 0, undefined, offset);
  await file.sync();
  await file.close();
}

/** Writes a share of the disk anew, in runs of so many bytes. @returns where */
async function change(path, share, run) {
  const places = new Set();
  while (places.size < (SIZE * share) / run) places.add(Math.floor(Math.random() * (SIZE / run)) * run);
  const file = await open(path, 'r+');
  for (const offset of places) await file.write(noise(run), 0, undefined, offset);
  await file.sync();
  await file.close();
  return [...places].sort((a, b) => a - b).map((offset) => ({ offset, length: run }));
}

let state = 1;
function noise(length) {
  const bytes = Buffer.alloc(length);
  for (let offset = 0; offset < length; offset += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(state, offset);
  }
  return bytes;
}

async function timed(work) {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

function row(name, value, peer, peerValue) {
  const round = (figure) => Number(figure.toFixed(3));
  return {
    name,
    value: round(value),
    unit: 's',
    peer,
    peerValue: round(peerValue),
    ratio: round(value / peerValue),
  };
}
