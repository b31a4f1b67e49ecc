// `npm run -s check:faults -- --runs N --seed S [--first K] [--jobs J] [--seconds T] [--keep DIR] [--json]`: random runs of
// the whole system under faults, each decided by its seed and number; see e2e/faults/README.md. Builds first.
import { spawnSync } from 'node:child_process';
import { runCampaign } from './campaign.mjs';

// Disks that are full or read-only are mounts. In a mount namespace of its own none of them outlives the process.
const apart = ['--mount', '--propagation', 'private', '--'];
const mounts = spawnSync('unshare', [...apart, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
if (!mounts) console.error('no mounts here: the faults of full and read-only disks are left out');
runCampaign('faults', {
  under: mounts ? ['unshare', ...apart] : [],
  env: { LEDGERLIFT_FAULT_MOUNTS: mounts ? 'yes' : 'no' },
});
