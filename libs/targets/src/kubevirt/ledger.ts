import { type Resource, StepName, type VmRecord } from '@ledgerlift/contracts';

const nothing = Object.fromEntries(StepName.options.map((step) => [step, []])) as unknown as Readonly<
  Record<StepName, readonly Resource[]>
>;

/** What each step of a migration into a cluster claims before it makes anything. Pure. */
export function claimsFor({
  settings,
  folder,
  disks,
}: VmRecord): Readonly<Record<StepName, readonly Resource[]>> {
  return {
    ...nothing,
    // What the user brought is adopted by the step, and never ours to remove.
    DiskAllocation:
      settings.type === 'conversion'
        ? []
        : disks.map(({ name }) => ({ kind: 'disk', name, service: 'transfer', lifetime: 'result' })),
    VirtualMachineCreation: [
      { kind: 'virtual-machine', name: folder, service: 'vm-creator', lifetime: 'result' },
    ],
  };
}
