import { stringify } from 'yaml';
import { type Labels, annotationsOf, labelsOf } from './kubernetes-labels.js';
import type { RunStrategy, TargetVm, TargetVmDisk, TargetVmNic } from './target-vm.js';

const MiB = 2 ** 20;
/**
 * Share of a Filesystem volume that the file system itself takes: CDI's default
 * (kubevirt.io/containerized-data-importer, doc/datavolumes.md, "filesystem overhead").
 */
const FILESYSTEM_OVERHEAD = 0.06;

/** Renders the `VirtualMachine` (kubevirt.io/v1) as YAML. */
export function virtualMachineManifest(vm: TargetVm): string {
  const header = [
    madeFrom(vm),
    'Apply the pvc-*.yaml beside this file first and bring each disk file into its claim; then apply this.',
    ...vm.disks.map((disk) => `  ${disk.file} -> ${disk.pvc.name}`),
  ];
  return manifest(header, virtualMachine(vm));
}

/** The first line of a VM's manifest. */
export const madeFrom = ({ origin }: TargetVm): string =>
  `Made by Ledgerlift from "${JSON.stringify(origin.sourceName).slice(1, -1)}".`;

/** A `VirtualMachine` object (kubevirt.io/v1). */
export interface VirtualMachineObject {
  readonly apiVersion: 'kubevirt.io/v1';
  readonly kind: 'VirtualMachine';
  readonly metadata: Labels & { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly runStrategy: RunStrategy;
    readonly instancetype?: object;
    readonly preference?: object;
    readonly template: object;
  };
}

/** Builds the `VirtualMachine` of a target VM. Pure. */
export function virtualMachine(vm: TargetVm): VirtualMachineObject {
  const { labels } = labelsOf(vm);
  const claims = vm.disks.map((disk) => disk.pvc.name);
  // Omit empty lists: the API server drops them, so the stored object would differ from the manifest.
  const hasNics = vm.nics.length > 0;
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: vm.name, namespace: vm.namespace, labels, annotations: annotationsOf(vm) },
    spec: {
      runStrategy: vm.runStrategy,
      ...given('instancetype', vm.instanceType),
      ...given('preference', vm.preference),
      template: {
        metadata: { labels: { ...labels, 'vm.kubevirt.io/name': vm.name } },
        spec: {
          domain: {
            ...sizeOf(vm),
            machine: { type: 'q35' },
            clock: clockOf(vm),
            features: featuresOf(vm),
            firmware: {
              ...vm.identity,
              bootloader: bootloaderOf(vm),
            },
            devices: {
              disks: vm.disks.map(({ name, bootOrder, serial, bus, sectorBytes }) => ({
                name,
                bootOrder,
                serial,
                disk: { bus },
                ...(sectorBytes === 512
                  ? {}
                  : { blockSize: { custom: { logical: sectorBytes, physical: sectorBytes } } }),
              })),
              // Every guest has a USB driver; Windows and older kernels lack virtio's.
              inputs: [{ name: 'tablet', type: 'tablet', bus: 'usb' }],
              ...(hasNics ? { interfaces: vm.nics.map(interfaceOf) } : {}),
              autoattachPodInterface: false,
              autoattachMemBalloon: vm.balloon,
              ...(vm.rng ? { rng: {} } : {}),
              ...(vm.tpm ? { tpm: { persistent: true } } : {}),
            },
          },
          ...schedulingOf(vm),
          ...(hasNics ? { networks: vm.nics.map(networkOf) } : {}),
          volumes: vm.disks.map(({ name }, index) => ({
            name,
            persistentVolumeClaim: { claimName: claims[index] },
          })),
        },
      },
    },
  };
}

const given = <Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { readonly [key in Key]?: Value } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [key in Key]?: Value };

/** KubeVirt refuses a VM that also sets fields of its instance type (v1.8.0, pkg/instancetype/apply/cpu.go and memory.go). */
function sizeOf(vm: TargetVm): object {
  const isOwn = vm.instanceType === undefined;
  const policy = vm.nestedVirtualization === true ? 'optional' : 'disable';
  const cpu = {
    ...(isOwn ? vm.cpu : {}),
    ...given('model', vm.cpuModel),
    // Each feature exists only on one vendor's CPUs, so neither may be required.
    ...(vm.nestedVirtualization === undefined
      ? {}
      : { features: ['vmx', 'svm'].map((name) => ({ name, policy })) }),
  };
  return {
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(isOwn ? { memory: { guest: quantity(vm.memoryBytes) } } : {}),
  };
}

const bootloaderOf = ({ firmware, secureBoot, keepsVariables }: TargetVm): object =>
  firmware === 'efi'
    ? { efi: { secureBoot, ...(keepsVariables ? { persistent: true } : {}) } }
    : { bios: {} };

/** Omits empty fields, which the API server would drop. */
const schedulingOf = ({ scheduling }: TargetVm): object =>
  Object.fromEntries(
    (
      [
        ['nodeSelector', scheduling.targetNodeSelector],
        ['affinity', scheduling.targetAffinity],
        ['tolerations', scheduling.targetTolerations],
      ] as const
    ).filter(([, value]) => value !== undefined && Object.keys(value).length > 0),
  );

/** Follows the preferences of the KubeVirt project (kubevirt/common-instancetypes, preferences for Linux and Windows). */
const clockOf = ({ family }: TargetVm): object => ({
  utc: {},
  timer: {
    hpet: { present: false },
    pit: { tickPolicy: 'delay' },
    rtc: { tickPolicy: 'catchup' },
    ...(family === 'windows' ? { hyperv: { present: true } } : {}),
  },
});

/** With these, Windows knows that it is a guest, runs faster, and does not crash on missing timers (the same project). */
const HYPERV = {
  relaxed: {},
  vapic: {},
  spinlocks: { spinlocks: 8191 },
  vpindex: {},
  runtime: {},
  synic: {},
  synictimer: { direct: {} },
  reset: {},
  frequencies: {},
  reenlightenment: {},
  tlbflush: {},
  ipi: {},
};

const featuresOf = ({ family, secureBoot }: TargetVm): object => ({
  acpi: {},
  ...(family === 'windows' ? { apic: {}, hyperv: HYPERV } : {}),
  // KubeVirt refuses secure boot without SMM.
  ...(secureBoot ? { smm: { enabled: true } } : {}),
});

/** Renders the claim of one disk as YAML, large enough for the disk in the chosen volume mode. */
export function pvcManifest(vm: TargetVm, disk: TargetVmDisk): string {
  const { labels, annotations } = labelsOf(vm);
  const { name, storageClass, accessMode, volumeMode } = disk.pvc;
  const isFilesystem = volumeMode === 'Filesystem';
  const bytes = isFilesystem ? disk.bytes / (1 - FILESYSTEM_OVERHEAD) : disk.bytes;
  return manifest([], {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name,
      namespace: vm.namespace,
      labels,
      annotations: {
        ...annotations,
        'ledgerlift.io/disk-file': disk.file,
        'ledgerlift.io/disk-bytes': String(disk.bytes),
        ...(isFilesystem ? { 'ledgerlift.io/filesystem-overhead': String(FILESYSTEM_OVERHEAD) } : {}),
      },
    },
    spec: {
      accessModes: [accessMode],
      volumeMode,
      storageClassName: storageClass,
      resources: { requests: { storage: `${Math.max(1, Math.ceil(bytes / MiB))}Mi` } },
    },
  });
}

function interfaceOf({ name, mac, model, network, kind }: TargetVmNic): object {
  const address = mac === undefined ? {} : { macAddress: mac };
  if (network.type === 'pod') return { name, model, ...address, masquerade: {} };
  // A passed-through function has no emulated model.
  return kind === 'sriov' ? { name, ...address, sriov: {} } : { name, model, ...address, bridge: {} };
}

function networkOf({ name, network }: TargetVmNic): object {
  if (network.type === 'pod') return { name, pod: {} };
  const networkName = network.namespace === undefined ? network.name : `${network.namespace}/${network.name}`;
  return { name, multus: { networkName } };
}

const quantity = (bytes: number): string => (bytes % MiB === 0 ? `${bytes / MiB}Mi` : String(bytes));

/**
 * Renders an object as YAML after a comment. kubectl reads YAML 1.1, where `on`, `012` and `52:54:00:12:34:56` are strings only if
 * quoted.
 *
 * @param header lines of the comment
 */
export function manifest(header: readonly string[], content: object): string {
  const comments = header
    .map((line) => `# ${line.replace(/[\r\n\u{85}\u{2028}\u{2029}]/gu, ' ')}\n`)
    .join('');
  return comments + stringify(content, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
}
