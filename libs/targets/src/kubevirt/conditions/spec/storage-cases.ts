import { sourceDisk } from '@ledgerlift/testing';
import { resources } from '../../resources.js';
import { type Case, unknownCase, pair } from './case.js';
import { type Placed, GiB, freeVolume, gap, profile, storageClass, storagePair } from './fixtures.js';

const local = {
  storageClasses: [storageClass('local', { provisioner: 'kubernetes.io/no-provisioner' })],
  storageProfiles: [profile('local', 'ReadWriteOnce Block')],
};
const twoOnLocal: readonly Placed[] = [
  { vm: { disks: [sourceDisk(0), sourceDisk(1)] }, storage: storagePair({ storageClass: 'local' }) },
];

export const storageCases: readonly Case[] = [
  unknownCase('DestinationStorageNotValid', 'NotFound', ['fast'], resources.storageClasses, {
    cluster: { storageClasses: [] },
  }),
  unknownCase('DestinationStorageNotValid', 'ModesNotKnown', ['fast'], resources.storageProfiles, {
    cluster: { storageProfiles: [] },
  }),
  unknownCase('TargetVolumesMissing', 'NotEnough', ['local'], resources.volumes, {
    vms: twoOnLocal,
    cluster: local,
  }),
  {
    of: 'DestinationStorageNotValid',
    reason: 'NotFound',
    items: ['slow'],
    raised: { vms: [{ storage: storagePair({ storageClass: 'slow' }) }] },
    not: {},
  },
  {
    of: 'DestinationStorageNotValid',
    reason: 'ModesNotKnown',
    items: ['fast'],
    raised: { cluster: { storageProfiles: [profile('fast')] } },
    not: {
      vms: [{ storage: pair('ReadWriteOnce', 'Block') }],
      cluster: { storageProfiles: [profile('fast')] },
    },
  },
  {
    // Without CDI there are no profiles.
    of: 'DestinationStorageNotValid',
    reason: 'ModesNotKnown',
    items: ['fast'],
    raised: {
      cluster: { storageProfiles: [], gaps: [gap(resources.storageProfiles, { state: 'not-installed' })] },
    },
    not: {
      vms: [{ storage: pair('ReadWriteOnce', 'Block') }],
      cluster: { storageProfiles: [], gaps: [gap(resources.storageProfiles, { state: 'not-installed' })] },
    },
  },
  {
    of: 'DestinationStorageNotValid',
    reason: 'AccessModeNotOffered',
    items: ['fast'],
    says: ['offers it ReadWriteMany Block, not ReadWriteOnce'],
    raised: { vms: [{ storage: pair('ReadWriteOnce', 'Block') }] },
    not: { vms: [{ storage: storagePair({ accessMode: 'ReadWriteMany' }) }] },
  },
  {
    of: 'DestinationStorageNotValid',
    reason: 'VolumeModeNotOffered',
    items: ['fast'],
    says: ['not ReadWriteMany Filesystem'],
    raised: {
      vms: [{ storage: pair('ReadWriteMany', 'Filesystem') }],
      cluster: { storageProfiles: [profile('fast', 'ReadWriteMany Block', 'ReadWriteOnce Filesystem')] },
    },
    not: {
      vms: [{ storage: pair('ReadWriteOnce', 'Filesystem') }],
      cluster: { storageProfiles: [profile('fast', 'ReadWriteMany Block', 'ReadWriteOnce Filesystem')] },
    },
  },
  {
    of: 'VMNotLiveMigratable',
    reason: 'NotReadWriteMany',
    items: ['web'],
    raised: { cluster: { storageProfiles: [profile('fast', 'ReadWriteOnce Block')] } },
    not: {},
  },
  {
    of: 'SharedDiskNotSharable',
    reason: 'NotReadWriteMany',
    items: ['web'],
    raised: {
      vms: [{ vm: { disks: [sourceDisk(0, { shared: true })] } }],
      cluster: { storageProfiles: [profile('fast', 'ReadWriteOnce Block')] },
    },
    not: { vms: [{ vm: { disks: [sourceDisk(0, { shared: true })] } }] },
  },
  {
    of: 'TargetVolumesMissing',
    reason: 'NotEnough',
    items: ['local'],
    says: ["its 1 free volumes fit only 1 of the plan's 2 disks"],
    raised: { vms: twoOnLocal, cluster: { ...local, freeVolumes: [freeVolume('a', 2 * GiB)] } },
    not: {
      vms: twoOnLocal,
      cluster: { ...local, freeVolumes: [freeVolume('a', 2 * GiB), freeVolume('b', GiB)] },
    },
  },
  ...(
    [
      ['too small', freeVolume('b', GiB - 1)],
      ['of another volume mode', freeVolume('b', GiB, { volumeMode: 'Filesystem' })],
      ['of another access mode', freeVolume('b', GiB, { accessModes: ['ReadOnlyMany'] })],
      ['of another class', freeVolume('b', GiB, { storageClass: 'other' })],
    ] as const
  ).map(([, unfit]): Case => ({
    of: 'TargetVolumesMissing',
    reason: 'NotEnough',
    items: ['local'],
    raised: { vms: twoOnLocal, cluster: { ...local, freeVolumes: [freeVolume('a', 2 * GiB), unfit] } },
    not: {
      vms: twoOnLocal,
      cluster: { ...local, freeVolumes: [freeVolume('a', GiB), freeVolume('b', 2 * GiB)] },
    },
  })),
  {
    of: 'SharedDiskNotSharable',
    reason: 'NotReadWriteMany',
    items: ['web'],
    raised: {
      vms: [{ vm: { disks: [sourceDisk(0, { shared: true })] } }],
      cluster: { storageProfiles: [profile('fast', 'ReadWriteOnce Block')] },
    },
    not: { cluster: { storageProfiles: [profile('fast', 'ReadWriteOnce Block')] } },
  },
];
