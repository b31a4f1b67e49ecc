import { type Resource, StepName, type VmRecord, needsUnpacking } from '@ledgerlift/contracts';
import { snapshotName } from '../names.js';
import { type DiskLayout, layoutOf } from './layout.js';

/**
 * Lists the resources that each step of a migration into a directory claims before creating anything, each with the service that
 * removes it and its lifetime.
 */
export function claimsFor(record: VmRecord): Readonly<Record<StepName, readonly Resource[]>> {
  const names = layoutOf(record);
  const of =
    (kind: Resource['kind'], service: Resource['service'], lifetime: Resource['lifetime']) =>
    (name: string): Resource => ({ kind, name, service, lifetime });
  const each = (name: (disk: DiskLayout) => string, make: (name: string) => Resource): Resource[] =>
    names.disks.map((disk) => make(name(disk)));
  const unpacked = names.disks.filter((_, index) => isUnpacked(record, index)).map((disk) => disk.unpacked);
  // The folder lives as long as anything in it: if logs are kept as evidence, so is the folder.
  const hasLogs =
    !record.settings.skipGuestConversion || record.settings.bootProof || record.settings.type === 'warm';
  const manifest = of('manifest', 'vm-creator', 'result');
  const { type, skipGuestConversion, bootProof } = record.settings;
  return {
    ...nothing,
    DiskAllocation: [
      of('folder', 'transfer', hasLogs ? 'evidence' : 'result')(names.folder),
      // Disks that the user brought are only adopted, never ours to remove.
      ...(type === 'conversion' ? [] : each((disk) => disk.disk, of('disk', 'transfer', 'result'))),
    ],
    DiskTransfer: [
      ...each((disk) => disk.chunks, of('chunk-manifest', 'transfer', 'resume')),
      ...each((disk) => disk.writer, of('writer-record', 'transfer', 'resume')),
      ...unpacked.map(of('unpacked-disk', 'transfer', 'temporary')),
    ],
    ImageConversion: [
      ...each((disk) => disk.overlay, of('overlay', 'converter', 'resume')),
      of('log', 'converter', 'evidence')(names.logs.conversion),
    ],
    ImageCommit: [of('commit-marker', 'converter', 'resume')(names.commitMarker)],
    VirtualMachineCreation: [
      manifest(names.manifests.virtualMachine),
      ...each((disk) => disk.pvcManifest, manifest),
      manifest(names.manifests.domain),
    ],
    ...(type === 'warm'
      ? {
          SnapshotCreation: [of('snapshot', 'transfer', 'temporary')(snapshotName(record, '{round}'))],
          PreflightInspection: [of('log', 'converter', 'evidence')(names.logs.preflightInspection)],
          TestConversion: [
            ...each((disk) => disk.testOverlay, of('overlay', 'converter', 'temporary')),
            ...(skipGuestConversion ? [] : [of('log', 'converter', 'evidence')(names.logs.testConversion)]),
          ],
          TestBoot: [of('log', 'vm-creator', 'evidence')(names.logs.testBoot)],
        }
      : {}),
    ...(bootProof ? { BootProof: [of('log', 'vm-creator', 'evidence')(names.logs.bootProof)] } : {}),
  };
}

const nothing = Object.fromEntries(StepName.options.map((step) => [step, []])) as unknown as Readonly<
  Record<StepName, readonly Resource[]>
>;

export { needsUnpacking };

function isUnpacked(record: VmRecord, index: number): boolean {
  const diskId = record.disks[index]?.diskId;
  const source = record.source.vm.disks.find((disk) => disk.id === diskId);
  return source !== undefined && needsUnpacking(source);
}
