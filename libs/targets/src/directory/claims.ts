import type { Resource, StepName, VmRecord } from '@ledgerlift/contracts';
import { type DiskLayout, layoutOf } from './layout.js';

/**
 * What each step of a cold migration into a directory claims before it makes anything: the service that removes it,
 * and how long it lives. A step that makes nothing outside claims nothing.
 */
export function claimsFor(record: VmRecord): Readonly<Record<StepName, readonly Resource[]>> {
  const names = layoutOf(record);
  const of =
    (kind: Resource['kind'], service: Resource['service'], lifetime: Resource['lifetime']) =>
    (name: string): Resource => ({ kind, name, service, lifetime });
  const each = (name: (disk: DiskLayout) => string, make: (name: string) => Resource): Resource[] =>
    names.disks.map((disk) => make(name(disk)));
  const unpacked = names.disks
    .filter((_, index) => needsUnpacking(record, index))
    .map((disk) => disk.unpacked);
  // The folder lives as long as anything in it may: where logs are kept as evidence, so is what holds them.
  const hasLogs = !record.settings.skipGuestConversion || record.settings.bootProof;
  const manifest = of('manifest', 'vm-creator', 'result');
  return {
    Initialize: [],
    SourcePowerOff: [],
    DiskAllocation: [
      of('folder', 'transfer', hasLogs ? 'evidence' : 'result')(names.folder),
      ...each((disk) => disk.disk, of('disk', 'transfer', 'result')),
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
    FinalPowerActions: [],
    BootProof: [of('log', 'vm-creator', 'evidence')(names.logs.bootProof)],
    Cleanup: [],
  };
}

/** gzip has no random access, so such a disk is unpacked first. */
function needsUnpacking(record: VmRecord, index: number): boolean {
  const diskId = record.disks[index]?.diskId;
  const source = record.source.vm.disks.find((disk) => disk.id === diskId);
  return source?.backing.kind === 'ova' && source.backing.compression === 'gzip';
}

/** Folders go after what lies in them, and inner ones before outer ones; the rest keeps its order. */
export function inReleaseOrder(resources: readonly Resource[]): Resource[] {
  const depth = (resource: Resource): number =>
    resource.kind === 'folder' ? 1 / resource.name.split('/').length : 0;
  return resources.toSorted((a, b) => depth(a) - depth(b));
}
