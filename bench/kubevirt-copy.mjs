// A half-empty disk of an OVA into a Block claim: by our worker in its pod on a real node, with hashing and checkpoints on, and by nbdcopy on
// the machine itself, from the same bytes to the same device. Ours counts from the claim of the step to its end, as the log has it:
// the start of the pod comes before. Storage was another's, so that both write the zeros as well.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveSource, serveTarget } from '@ledgerlift/disk-transfer';
import { buildOva } from '@ledgerlift/testing';
import {
  CLASSES,
  InstallationWithCluster,
  NAMESPACE,
} from '../node_modules/.cache/e2e/installation/cluster.js';

const SIZE = 2 * 2 ** 30;
const ROUNDS = 3;

export async function run(emit) {
  const folder = await mkdtemp(join(tmpdir(), 'ledgerlift-bench-kubevirt-'));
  const raw = join(folder, 'disk.raw');
  await using at = await InstallationWithCluster.start();
  try {
    await makeHalfEmptyDisk(raw, SIZE);
    const best = { ours: Number.POSITIVE_INFINITY, nbdcopy: Number.POSITIVE_INFINITY };
    for (let round = 0; round < ROUNDS; round += 1) {
      const name = `copied-${round}`;
      const vms = [{ name, disks: [{ raw }] }];
      await buildOva({ name, folder: at.installation.folder.file('ovas'), vms });
      const volume = await at.kubernetes.blockVolume({ name, bytes: SIZE, storageClass: CLASSES.disks });
      await at.kubernetes.fileVolume({
        name: `${name}-scratch`,
        bytes: 256 * 2 ** 20,
        storageClass: CLASSES.scratch,
      });
      const plan = { targetNamespace: NAMESPACE, skipGuestConversion: true };
      const migration = await at.installation.migrate(name, [name], plan);
      await at.installation.succeeded(migration, 600_000);
      const { pipeline } = await at.installation.vm(migration);
      const step = pipeline.find(({ step: each }) => each === 'DiskTransfer');
      best.ours = Math.min(best.ours, (Date.parse(step.completedAt) - Date.parse(step.startedAt)) / 1000);
      best.nbdcopy = Math.min(best.nbdcopy, await nbdcopy(raw, volume.device));
    }
    const rate = (seconds) => Math.round(SIZE / seconds / 1e6);
    emit({
      name: 'kubevirt.copy',
      value: rate(best.ours),
      unit: 'MB/s',
      peer: 'nbdcopy',
      peerValue: rate(best.nbdcopy),
      ratio: Number((best.nbdcopy / best.ours).toFixed(3)),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The way virt-v2v copies: through NBD at both ends, flushed at the end as ours is. @returns seconds */
async function nbdcopy(file, device) {
  const source = await serveSource({ driver: 'raw', file });
  const target = await serveTarget({ path: device, format: 'raw' });
  try {
    const uri = ({ socket }) => `nbd+unix:///?socket=${socket}`;
    const begun = performance.now();
    execFileSync('nbdcopy', ['--flush', uri(source), uri(target)]);
    return (performance.now() - begun) / 1000;
  } finally {
    await Promise.all([source, target].map((server) => server.stop()));
  }
}
