import { sourceDisk } from '@ledgerlift/testing';
import { resources } from '../../resources.js';
import { type Case, unknownCase } from './case.js';
import { GiB, gap, instanceType, node, planOf } from './fixtures.js';

const small = { instanceType: { name: 'u1.small', kind: 'VirtualMachineClusterInstancetype' } } as const;
const ofNamespace = { instanceType: { name: 'u1.small', kind: 'VirtualMachineInstancetype' } } as const;
const rhel = { preference: { name: 'rhel.9', kind: 'VirtualMachineClusterPreference' } } as const;
const rhelOfNamespace = { preference: { name: 'rhel.9', kind: 'VirtualMachinePreference' } } as const;
const sized = (count: number, bytes: number) => ({
  cpu: { count, coresPerSocket: 1, affinity: [], hotAdd: false },
  memory: { bytes, hotAdd: false },
});
const onTwo = { targetNodeSelector: { zone: 'a', disk: 'ssd' } };
const raw = (useCompatibilityMode: boolean) => ({
  spec: { ...planOf([]).spec, skipGuestConversion: true, useCompatibilityMode },
});
const native4k = [{ vm: { disks: [sourceDisk(0), sourceDisk(1, { sectorBytes: 4096 })] } }];

export const machineCases: readonly Case[] = [
  {
    of: 'ClaimNameNotUnique',
    reason: 'NotUnique',
    items: ['web', 'db'],
    says: ["'vms/data-0'"],
    raised: {
      vms: [
        { machine: { pvcNameTemplate: 'data-{disk}' } },
        { targetName: 'db', vm: { id: 'vm-2', name: 'db' }, machine: { pvcNameTemplate: 'data-{disk}' } },
      ],
    },
    not: {
      vms: [
        { machine: { pvcNameTemplate: 'data-{disk}' } },
        {
          targetName: 'db',
          targetNamespace: 'lab',
          vm: { id: 'vm-2', name: 'db' },
          machine: { pvcNameTemplate: 'data-{disk}' },
        },
      ],
    },
  },
  {
    of: 'ClaimNameNotUnique',
    reason: 'NotUnique',
    items: ['Web', 'web!'],
    raised: {
      vms: ['Web', 'web!'].map((name, index) => ({
        ...{ targetName: `web-${index}`, vm: { id: name, name } },
        machine: { pvcNameTemplate: '{vm}-{disk}' },
      })),
    },
    not: {
      vms: ['Web', 'web!'].map((name, index) => ({
        ...{ targetName: `web-${index}`, vm: { id: name, name } },
        machine: { pvcNameTemplate: '{target}-{disk}' },
      })),
    },
  },
  {
    of: 'InstanceTypeNotValid',
    reason: 'NotFound',
    items: ['web'],
    says: ["no VirtualMachineClusterInstancetype 'u1.small' for 'web'"],
    raised: { vms: [{ machine: small }] },
    not: { vms: [{ machine: small }], cluster: { clusterInstanceTypes: [instanceType()] } },
  },
  {
    // One of the cluster is not one of the namespace, nor is that of another.
    of: 'InstanceTypeNotValid',
    reason: 'NotFound',
    items: ['web'],
    says: ["'u1.small' in 'vms'"],
    raised: {
      vms: [{ machine: ofNamespace }],
      cluster: {
        clusterInstanceTypes: [instanceType()],
        instanceTypes: [instanceType({ namespace: 'lab' })],
      },
    },
    not: {
      vms: [{ machine: ofNamespace }],
      cluster: { instanceTypes: [instanceType({ namespace: 'vms' })] },
    },
  },
  unknownCase('InstanceTypeNotValid', 'NotFound', ['web'], resources.clusterInstanceTypes, {
    vms: [{ machine: small }],
  }),
  ...(
    [
      [{ cpuModel: 'host-model' }, { cpuModel: 'Cascadelake-Server' }],
      [{ targetNodeSelector: { zone: 'a' } }, { nodeSelector: { disk: 'ssd' } }],
    ] as const
  ).map(([machine, type]): Case => ({
    of: 'InstanceTypeNotValid',
    reason: 'Conflict',
    items: ['web'],
    says: [`the ${Object.keys(machine).join()} of 'web'`],
    raised: {
      vms: [{ machine: { ...small, ...machine } }],
      cluster: { clusterInstanceTypes: [instanceType(type)] },
    },
    not: {
      vms: [{ machine: { ...small, ...machine } }],
      cluster: { clusterInstanceTypes: [instanceType()] },
    },
  })),
  {
    of: 'InstanceTypeSmaller',
    reason: 'TooSmall',
    items: ['web'],
    says: ["gives 'web' 4 CPUs for 5"],
    raised: {
      vms: [{ machine: small, vm: sized(5, 8 * GiB) }],
      cluster: { clusterInstanceTypes: [instanceType()] },
    },
    not: {
      vms: [{ machine: small, vm: sized(4, 8 * GiB) }],
      cluster: { clusterInstanceTypes: [instanceType()] },
    },
  },
  {
    of: 'InstanceTypeSmaller',
    reason: 'TooSmall',
    items: ['web'],
    says: ['8192 MiB of memory for 8193'],
    raised: {
      vms: [{ machine: small, vm: sized(4, 8 * GiB + 1) }],
      cluster: { clusterInstanceTypes: [instanceType()] },
    },
    not: { vms: [{ vm: sized(4, 8 * GiB + 1) }], cluster: { clusterInstanceTypes: [instanceType()] } },
  },
  {
    // The pod asks for what the instance type has.
    of: 'VMLargerThanNodes',
    reason: 'TooLarge',
    items: ['web'],
    raised: {
      vms: [{ machine: small }],
      cluster: { clusterInstanceTypes: [instanceType({ memoryBytes: 64 * GiB })] },
    },
    not: {
      vms: [{ machine: small, vm: sized(4, 64 * GiB) }],
      cluster: { clusterInstanceTypes: [instanceType()] },
    },
  },
  {
    of: 'PreferenceNotValid',
    reason: 'NotFound',
    items: ['web'],
    raised: { vms: [{ machine: rhel }] },
    not: {
      vms: [{ machine: rhel }],
      cluster: { clusterPreferences: [{ name: 'rhel.9', namespace: '' }] },
    },
  },
  {
    of: 'PreferenceNotValid',
    reason: 'NotFound',
    items: ['web'],
    raised: {
      vms: [{ machine: rhelOfNamespace }],
      cluster: { preferences: [{ name: 'rhel.9', namespace: 'lab' }] },
    },
    not: {
      vms: [{ machine: rhelOfNamespace }],
      cluster: { preferences: [{ name: 'rhel.9', namespace: 'vms' }] },
    },
  },
  unknownCase('PreferenceNotValid', 'NotFound', ['web'], resources.clusterPreferences, {
    vms: [{ machine: rhel }],
  }),
  {
    of: 'TargetNotKnown',
    reason: 'NotInstalled',
    items: ['virtualmachineclusterpreferences'],
    raised: {
      vms: [{ machine: rhel }],
      cluster: { gaps: [gap(resources.clusterPreferences, { state: 'not-installed' })] },
    },
    not: { cluster: { gaps: [gap(resources.clusterPreferences, { state: 'not-installed' })] } },
  },
  {
    // All labels must be on one node.
    of: 'NodeSelectorMatchesNone',
    reason: 'NoSuchLabels',
    items: ['web'],
    says: ['{"zone":"a","disk":"ssd"}'],
    raised: {
      vms: [{ machine: onTwo }],
      cluster: { nodes: [node({ labels: { zone: 'a' } }), node({ labels: { zone: 'b', disk: 'ssd' } })] },
    },
    not: {
      vms: [{ machine: onTwo }, { machine: { targetNodeSelector: {} } }],
      cluster: { nodes: [node(), node({ labels: { zone: 'a', disk: 'ssd', other: '' } })] },
    },
  },
  unknownCase('NodeSelectorMatchesNone', 'NoSuchLabels', ['web'], resources.nodes, {
    vms: [{ machine: onTwo }],
  }),
  {
    of: 'SectorSizeNotKept',
    reason: 'NotVirtio',
    items: ['web'],
    raised: { vms: native4k, plan: raw(true) },
    not: { vms: native4k, plan: raw(false) },
  },
];
