import type {
  GuestCapabilities,
  Inspection,
  MachineSettings,
  SourceVm,
  TargetNic,
  VmRecord,
  VmSettings,
} from '@ledgerlift/contracts';
import type { z } from 'zod';
import { Chance } from '../chance.js';
import { sourceDisk } from './source-vm.js';
import { vmRecord } from './vm-record.js';

const [KiB, MiB, GiB, TiB] = [2 ** 10, 2 ** 20, 2 ** 30, 2 ** 40];

/** A VM on its way, with what its conversion found out. */
export interface DrawnRecord {
  /** Its firmware, TPM, family and conversion, in words. */
  readonly title: string;
  readonly record: VmRecord;
  /** None where the guest is not converted. */
  readonly findings: { readonly capabilities?: GuestCapabilities; readonly inspection?: Inspection };
}

const firmwares = {
  BIOS: { firmware: 'bios', secureBoot: false },
  UEFI: { firmware: 'efi', secureBoot: false },
  'secure boot': { firmware: 'efi', secureBoot: true },
} as const;
const families = ['linux', 'windows', 'unknown'] as const;
const conversions: Readonly<Record<string, GuestCapabilities | z.input<typeof VmSettings>>> = {
  'converted to virtio': { diskBus: 'virtio', nicModel: 'virtio', rng: true, balloon: true },
  'converted without virtio': { diskBus: 'sata', nicModel: 'e1000e', rng: false, balloon: false },
  'raw in compatibility mode': { skipGuestConversion: true, useCompatibilityMode: true },
  'raw with virtio': { skipGuestConversion: true, useCompatibilityMode: false },
};

const names = [
  'Web Server',
  'datenbank-ä 数据库 🚀',
  '..--..',
  'a'.repeat(80),
  '012',
  'yes',
  'two\nlines: {{x}} # "quoted" \\',
  '1.2.3.4',
  'n'.repeat(300_000),
];
const labels: readonly Readonly<Record<string, string>>[] = [
  {},
  { tier: 'front', 'example.com/on': 'on', zip: '012', empty: '' },
  { 'not a key': 'a', 'a/b/c': 'd', '/': 'e', 'Example.com/x': 'f', long: 'v'.repeat(64) },
  {
    spaced: 'with space',
    dash: '-',
    umlaut: 'ä',
    [`${'p'.repeat(254)}/x`]: 'y',
    [`x/${'n'.repeat(64)}`]: 'z',
  },
  { 'app.kubernetes.io/managed-by': 'me', 'vm.kubevirt.io/name': 'other', 'ledgerlift.io/vm': '99' },
  { 'kubevirt.io/nodeName': 'node-1', 'kubevirt.io/created-by': 'me', 'kubevirt.io/size': 'small' },
];
/** CPUs, and cores of a socket. */
const topologies: readonly (readonly [number, number])[] = [
  ...([
    [1, 1],
    [3, 2],
    [7, 1],
    [64, 1],
    [64, 32],
  ] as const),
  ...([
    [5, 3],
    [12, 6],
    [0, 1],
    [2, 8],
  ] as const),
];
const memories = [GiB, 4 * MiB, 1.5 * GiB, 1_000_000_001, 768 * MiB + 512 * KiB, TiB, 3 * GiB + 1];
const capacities = [0, 1, MiB, GiB + 1, 4 * TiB];
const uuids = ['423EFD65-A73D-E159-A56D-DD25289F8B0C', '423efd65-a73d-e159-a56d-dd25289f8b0c', 'none', null];
const serials = ['VMware-42 3e fd 65 a7 3d e1 59-a5 6d dd 25 28 9f 8b 0c', '', 'on', null];
const diskSerials = ['6000c2940a3b8d2f1c7e5b9a01f4d3e2', 'WD-1 2/3', '////', 'ä_.+-0', '', null];
const macs = ['00:50:56:AA:BB:0', '00-50-56-aa-bb-0', '02:00:00:00:00:0', '01:00:5e:00:00:0', 'none', null];
const annotations: readonly (MachineSettings['annotations'] | null)[] = [
  null,
  { team: 'shop', 'example.com/contact': 'a@b.example\n{{x}} ä' },
  { 'not a key': 'a', 'ledgerlift.io/source-name': 'forged', 'x/y/z': 'b', long: 'v'.repeat(20_000) },
];
const nodeSelectors: readonly (MachineSettings['targetNodeSelector'] | null)[] = [
  null,
  {},
  { 'topology.kubernetes.io/zone': 'a', on: 'on' },
];
const affinities: readonly (MachineSettings['targetAffinity'] | null)[] = [
  null,
  {},
  {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['012'] }] },
          { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] },
        ],
      },
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 100, preference: { matchExpressions: [{ key: 'disk', operator: 'Exists' }] } },
      ],
    },
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 1,
          podAffinityTerm: {
            topologyKey: 'kubernetes.io/hostname',
            labelSelector: {
              matchLabels: { tier: 'front' },
              matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['db'] }],
            },
          },
        },
      ],
    },
  },
  {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'zone', namespaces: ['vms'], labelSelector: { matchLabels: { tier: 'front' } } },
      ],
    },
  },
];
const tolerations: readonly (MachineSettings['targetTolerations'] | null)[] = [
  null,
  [],
  [
    { operator: 'Exists' },
    { key: 'gpu', value: 'yes', effect: 'NoSchedule' },
    { key: 'down', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 },
  ],
];
/** What drawn VMs name, and the cluster must have. */
export const drawnInstanceTypes = [
  { name: 'u1.medium', kind: 'VirtualMachineClusterInstancetype' },
  { name: 'own', kind: 'VirtualMachineInstancetype' },
] as const;
export const drawnPreferences = [
  { name: 'rhel.9', kind: 'VirtualMachineClusterPreference' },
  { name: 'own', kind: 'VirtualMachinePreference' },
] as const;
const cpuModels = [null, 'host-model', 'host-passthrough', 'Cascadelake-Server'];
const volumeTemplates = [null, '{claim}', 'volume-{disk}'];
const networkTemplates = [null, '{network}-{nic}', '{nic}-{type}-{namespace}'];
const networks = [
  { type: 'multus', name: 'vlan10', namespace: 'nets' },
  { type: 'multus', name: 'fast' },
] as const;

/**
 * Records of VMs that differ in all that a target describes: each firmware with and without TPM, of each family of guests, with each
 * conversion; names, labels, CPUs, memory, disks (1 to 8) and NICs (0 to 4) by chance, and whatever a plan can say of the VM besides. As a planner makes them: at most one NIC goes to
 * the pod network, and no virtual function. The same seed gives the same records.
 *
 * @param targetNameOf the name at the target for a name at the source
 * @param namespaces that the VMs are bound for
 */
export function drawnRecords(
  seed: number,
  targetNameOf: (name: string) => string,
  namespaces: readonly string[],
): readonly DrawnRecord[] {
  const chance = new Chance(seed);
  const drawn: DrawnRecord[] = [];
  for (const [firmwareName, firmware] of Object.entries(firmwares))
    for (const tpm of [false, true])
      for (const family of families)
        for (const [conversion, how] of Object.entries(conversions)) {
          const title = `${firmwareName}, ${tpm ? 'TPM' : 'no TPM'}, ${family}, ${conversion}`;
          const vm = drawnVm(chance, { ...firmware, tpm, os: { id: family, description: family, family } });
          const settings = 'diskBus' in how ? {} : how;
          const record = recordOf(chance, vm, settings, targetNameOf(vm.name), chance.pick(namespaces));
          const findings =
            'diskBus' in how ? { capabilities: how, inspection: inspectionOf(chance, vm) } : {};
          drawn.push({ title, record, findings });
        }
  return drawn;
}

type Hardware = Pick<SourceVm, 'firmware' | 'secureBoot' | 'tpm' | 'os'>;
type Drawn = Hardware & Pick<SourceVm, 'name' | 'disks' | 'nics'> & Partial<SourceVm>;

function drawnVm(chance: Chance, hardware: Hardware): Drawn {
  const [count, coresPerSocket] = chance.pick(topologies);
  return {
    name: chance.pick(names),
    ...hardware,
    cpu: {
      ...{ count, coresPerSocket, affinity: [], hotAdd: chance.once(2) },
      ...optional('nested', chance.pick([true, false, null])),
    },
    memory: { bytes: chance.pick(memories), hotAdd: false },
    ...optional('uuid', chance.pick(uuids)),
    ...optional('serial', chance.pick(serials)),
    powerState: chance.pick(['on', 'off', 'suspended']),
    disks: Array.from({ length: 1 + chance.below(8) }, (_, index) =>
      sourceDisk(index, {
        capacityBytes: chance.pick(capacities),
        ...optional('serial', chance.pick(diskSerials)),
        ...optional('sectorBytes', chance.pick([512, 4096, null])),
      }),
    ),
    nics: Array.from({ length: chance.below(5) }, (_, index) => {
      const mac = chance.pick(macs);
      return {
        id: `nic-${index}`,
        name: `Network adapter ${index}`,
        network: 'LAN',
        ...optional('mac', mac === null ? null : `${mac}${index}`),
        model: chance.pick(['vmxnet3', 'e1000', 'unknown']),
        kind: chance.pick(['ethernet', 'sriov']),
      };
    }),
  };
}

function recordOf(
  chance: Chance,
  vm: Drawn,
  settings: z.input<typeof VmSettings>,
  targetName: string,
  targetNamespace: string,
): VmRecord {
  const podNic = vm.nics.find(({ kind }) => kind === 'ethernet');
  return vmRecord({
    vm,
    settings,
    record: {
      planName: chance.pick(['first-wave', 'p'.repeat(63), '1']),
      targetName,
      targetNamespace,
      labels: chance.pick(labels),
      powerState: chance.pick(['on', 'off', 'auto']),
      machine: machineOf(chance),
      nics: vm.nics.map((nic) => ({ nicId: nic.id, network: networkOf(chance, nic === podNic) })),
      disks: vm.disks.map(({ id }, index) => ({
        diskId: id,
        name: `${targetNamespace}/${targetName}/${targetName}-disk-${index}.qcow2`,
        pvcName: `${targetName}-${index}`,
        storageClass: chance.pick(['fast', 'nfs.example.com']),
        accessMode: chance.pick(['ReadWriteOnce', 'ReadWriteMany']),
        volumeMode: chance.pick(['Filesystem', 'Block']),
        format: 'qcow2',
      })),
    },
  });
}

/** Fields that are left out where there is no value. */
function machineOf(chance: Chance): MachineSettings {
  const said = {
    annotations: chance.pick(annotations),
    targetNodeSelector: chance.pick(nodeSelectors),
    targetAffinity: chance.pick(affinities),
    targetTolerations: chance.pick(tolerations),
    instanceType: chance.pick([null, ...drawnInstanceTypes]),
    preference: chance.pick([null, ...drawnPreferences]),
    nestedVirtualization: chance.pick([null, true, false]),
    cpuModel: chance.pick(cpuModels),
    volumeNameTemplate: chance.pick(volumeTemplates),
    networkNameTemplate: chance.pick(networkTemplates),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null));
}

function networkOf(chance: Chance, mayBePod: boolean): z.infer<typeof TargetNic>['network'] {
  if (mayBePod && chance.once(2)) return { type: 'pod' };
  return chance.once(8) ? null : chance.pick(networks);
}

const inspectionOf = (chance: Chance, { os: { family }, firmware, disks }: Drawn): Inspection => ({
  osName: 'guest',
  osProduct: 'Guest',
  osVersion: '1',
  arch: 'x86_64',
  family: family === 'windows' ? 'windows' : 'linux',
  rootDevice: '/dev/sda1',
  firmware,
  bootDisk: chance.below(disks.length),
});

/** A field that is left out where there is no value. */
const optional = <Key extends string, Value>(
  key: Key,
  value: Value | null,
): { readonly [key in Key]?: Value } =>
  (value === null ? {} : { [key]: value }) as { readonly [key in Key]?: Value };
