// The worker services as they are (pull, claim, lease, numbered reports), with handlers that are done at once. All three in
// one process: what is measured is the planner, and each more process would take memory and time from it.
import { startWorker } from '@ledgerlift/worker';

const disksOf = ({ job }) => job.record.disks;

const done = {
  Initialize: ({ job }) => ({ powerState: 'off', fingerprint: job.record.source.vm.fingerprint }),
  SourcePowerOff: () => ({ momentId: 'moment', how: 'was-off' }),
  DiskAllocation: (attempt) => ({
    disks: disksOf(attempt).map(({ diskId, name }) => ({ diskId, name, size: 1024 ** 2 })),
  }),
  DiskTransfer: (attempt) => ({
    pass: { kind: 'cold', round: 0 },
    disks: disksOf(attempt).map(({ diskId, name }) => ({
      diskId,
      name,
      size: 1024 ** 2,
      digest: 'a'.repeat(64),
      bytesRead: 1024 ** 2,
      bytesWritten: 1024 ** 2,
      bytesZeroed: 0,
      resumed: 'no',
      verified: 'none',
    })),
  }),
  VirtualMachineCreation: () => ({ files: ['vm.yaml', 'domain.xml'] }),
  FinalPowerActions: () => ({ sourcePowerState: 'off', target: 'none' }),
  SourcePowerOn: () => ({ powerState: 'off' }),
  TargetPowerOff: () => ({}),
};

const handlers = {
  ...Object.fromEntries(
    Object.entries(done).map(([step, result]) => [step, async (attempt) => ({ step, ...result(attempt) })]),
  ),
  Cleanup: async (attempt) => {
    await attempt.released(attempt.job.release.map((resource) => ({ resource, how: 'removed' })));
    return { step: 'Cleanup' };
  },
};

for (const service of ['transfer', 'converter', 'vm-creator'])
  await startWorker({ service, handlers, env: { ...process.env, LEDGERLIFT_HTTP_PORT: '0' } });
process.send?.('working');
