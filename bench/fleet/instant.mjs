// Handlers of the steps that are done at once.
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

export const handlers = {
  ...Object.fromEntries(
    Object.entries(done).map(([step, result]) => [step, async (attempt) => ({ step, ...result(attempt) })]),
  ),
  Cleanup: async (attempt) => {
    await attempt.released(attempt.job.release.map((resource) => ({ resource, how: 'removed' })));
    return { step: 'Cleanup' };
  },
};
