import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Kubernetes,
  KubernetesRefused,
  drawnInstanceTypes,
  drawnPreferences,
  drawnRecords,
  kubevirtDomains,
  startKubernetes,
  vmRecord,
} from '@ledgerlift/testing';
import { parse } from 'yaml';
import { dns1123Label } from '../names.js';
import { pvcManifest, targetVm, virtualMachineManifest } from './index.js';
import { promised, startedBy } from './started-domain.fixture.js';

const NAMESPACES = ['vms', 'team-2'];

let kubernetes: Kubernetes;
beforeAll(async () => {
  kubernetes = await startKubernetes({ extras: 'admission' });
  for (const name of NAMESPACES) await kubernetes.admin.create('/api/v1/namespaces', { metadata: { name } });
  const spec = { cpu: { guest: 2 }, memory: { guest: '4Gi' } };
  for (const type of drawnInstanceTypes) await makeNamed('instancetypes', type, spec);
  for (const preference of drawnPreferences) await makeNamed('preferences', preference, {});
});
afterAll(() => kubernetes.stop());

/** In the cluster, or in each of the namespaces. */
async function makeNamed(
  resource: 'instancetypes' | 'preferences',
  { name, kind }: { readonly name: string; readonly kind: string },
  spec: object,
): Promise<void> {
  const group = '/apis/instancetype.kubevirt.io/v1beta1';
  const collections = kind.includes('Cluster')
    ? [`${group}/virtualmachinecluster${resource}`]
    : NAMESPACES.map((namespace) => `${group}/namespaces/${namespace}/virtualmachine${resource}`);
  const body = { apiVersion: 'instancetype.kubevirt.io/v1beta1', kind, metadata: { name }, spec };
  for (const collection of collections) await kubernetes.admin.create(collection, body);
}

interface Template {
  readonly metadata: object;
  readonly spec: { readonly domain: { cpu?: object; memory?: { readonly guest: string } } };
}
interface Machine {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly template: Template };
}
interface Claim {
  readonly spec: { resources: { readonly requests: { readonly storage: string } } };
}

const collections = {
  virtualmachines: '/apis/kubevirt.io/v1',
  virtualmachineinstances: '/apis/kubevirt.io/v1',
  persistentvolumeclaims: '/api/v1',
};
/** Has the server do all that it does for a new object, except keep it. @throws KubernetesRefused */
const offer = <T>(resource: keyof typeof collections, namespace: string, object: T): Promise<T> =>
  kubernetes.admin.create<T>(
    `${collections[resource]}/namespaces/${namespace}/${resource}?dryRun=All&fieldValidation=Strict`,
    object,
  );

/** As kubectl reads it. */
const read = <T>(yaml: string): T => parse(yaml, { version: '1.1' }) as T;

const suffixes: readonly (readonly [string, number])[] = [
  ...['Ki', 'Mi', 'Gi', 'Ti'].map((suffix, index) => [suffix, 1024 ** (index + 1)] as const),
  ['', 1],
];
/** The server writes a quantity in its own way, such as `1Gi` for `1024Mi`. */
function bytesOf(quantity: string): number {
  const [suffix, factor] = suffixes.find(([each]) => quantity.endsWith(each)) ?? ['', Number.NaN];
  return Number(quantity.slice(0, quantity.length - suffix.length)) * factor;
}

const drawn = drawnRecords(17, dns1123Label, NAMESPACES).map(({ title, record, findings }) => ({
  title,
  record,
  vm: targetVm(record, findings),
}));

describe('a VM that we describe', () => {
  it.each(drawn)('is admitted, and kept as described: $title', async ({ vm }) => {
    const said = read<Machine>(virtualMachineManifest(vm));
    const kept = await offer('virtualmachines', vm.namespace, said);
    const { domain } = kept.spec.template.spec;
    if (vm.instanceType === undefined) {
      const memory = { guest: domain.memory?.guest ?? '' };
      expect(bytesOf(memory.guest)).toBe(vm.memoryBytes);
      said.spec.template.spec.domain.memory = memory;
    }
    expect(kept).toMatchObject(said);

    // What virt-controller makes of it once it starts is admitted on its own, with what the instance type says.
    const { metadata, spec } = kept.spec.template;
    if (vm.instanceType !== undefined)
      Object.assign(domain, { cpu: { ...domain.cpu, sockets: 2 }, memory: { guest: '4Gi' } });
    const instance = {
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachineInstance',
      metadata: { ...metadata, name: vm.name },
      spec,
    };
    await offer('virtualmachineinstances', vm.namespace, instance);
  });

  // KubeVirt's own code for the start of a VM says so, of what its API server kept; the real start is in e2e/slow/kubevirt-guest.
  it('is started as described', async () => {
    const kept: { readonly vm: Machine }[] = [];
    for (const { vm } of drawn) {
      const said = read<Machine>(virtualMachineManifest(vm));
      const machine = await offer('virtualmachines', vm.namespace, said);
      const { domain } = machine.spec.template.spec;
      const { sockets, cores, threads } = vm.cpu;
      // virt-controller applies an instance type before; what is asked here is what we describe.
      if (vm.instanceType !== undefined)
        Object.assign(domain, {
          cpu: { ...domain.cpu, sockets, cores, threads },
          memory: { guest: String(vm.memoryBytes) },
        });
      kept.push({ vm: machine });
    }
    const domains = await kubevirtDomains(kept);
    const started = domains.map((domain) => ('xml' in domain ? startedBy(domain.xml) : domain));
    expect(started).toEqual(drawn.map(({ vm }) => promised(vm, expect.any(String) as unknown as string)));
  });

  it.each(drawn)('has claims that are admitted, with room for each disk: $title', async ({ vm }) => {
    for (const disk of vm.disks) {
      const said = read<Claim>(pvcManifest(vm, disk));
      const kept = await offer('persistentvolumeclaims', vm.namespace, said);
      const { storage } = kept.spec.resources.requests;
      expect(bytesOf(storage)).toBe(bytesOf(said.spec.resources.requests.storage));
      expect(bytesOf(storage)).toBeGreaterThanOrEqual(disk.bytes);
      said.spec.resources = { requests: { storage } };
      expect(kept).toMatchObject(said);
    }
  });
});

describe('a VM that differs from what we describe', () => {
  const described = (): unknown => {
    const nic = vmRecord().source.vm.nics[0];
    if (nic === undefined) throw new Error('the record has a NIC');
    const record = vmRecord({
      disks: 2,
      settings: { skipGuestConversion: true, useCompatibilityMode: false },
      vm: { firmware: 'efi', secureBoot: true, nics: [nic, { ...nic, id: 'nic-1' }] },
      record: {
        targetNamespace: 'vms',
        machine: { nestedVirtualization: true, targetNodeSelector: { zone: 'a' } },
        nics: [
          { nicId: 'nic-0', network: { type: 'pod' } },
          { nicId: 'nic-1', network: { type: 'multus', name: 'fast' } },
        ],
      },
    });
    return read(virtualMachineManifest(targetVm(record)));
  };

  it('is admitted as long as nothing differs', async () => {
    await offer('virtualmachines', 'vms', described());
  });

  const [guest, domain] = ['spec.template.spec', 'spec.template.spec.domain'];
  const [disks, nics] = [`${domain}.devices.disks`, `${domain}.devices.interfaces`];
  it.each<[what: string, field: string, value: unknown, words: string]>([
    ['secure boot without SMM', `${domain}.features.smm`, undefined, 'SecureBoot requires SMM'],
    ['both firmwares', `${domain}.firmware.bootloader.bios`, {}, 'has both EFI and BIOS configured'],
    ['another machine', `${domain}.machine.type`, 'pc', 'machine.type is not supported: pc'],
    ['two disks of one name', `${disks}.1.name`, 'disk-0', 'must not have the same Name'],
    ['a bus that does not exist', `${disks}.0.disk.bus`, 'nvme', 'unrecognized bus nvme, must be one of'],
    ['the IDE bus', `${disks}.0.disk.bus`, 'ide', 'IDE bus is not supported'],
    ['a serial with a slash', `${disks}.0.serial`, 'a/b', 'must be made up of the following characters'],
    ['a boot order twice', `${disks}.1.bootOrder`, 1, 'already set for a different device'],
    ['a boot order of zero', `${disks}.1.bootOrder`, 0, 'must have a boot order > 0'],
    ['a disk without a volume', `${guest}.volumes.1`, undefined, "disks[1].Name 'disk-1' not found"],
    ['a network without an interface', `${nics}.1`, undefined, "networks[1].name 'net-1' not found"],
    [
      'an interface without a network',
      `${guest}.networks.1`,
      undefined,
      "interfaces[1].name 'net-1' not found",
    ],
    [
      'two NICs on the pod network',
      `${guest}.networks.1`,
      { name: 'net-1', pod: {} },
      'more than one interface',
    ],
    [
      'masquerade beside the pod network',
      `${nics}.1`,
      { name: 'net-1', masquerade: {} },
      'only implemented with pod',
    ],
    ["a source's NIC model", `${nics}.0.model`, 'vmxnet3', 'uses model vmxnet3 that is not supported'],
    ['half a MAC', `${nics}.1.macAddress`, '00:50:56', 'malformed MAC address'],
    ['a MAC of eight bytes', `${nics}.1.macAddress`, '00:50:56:aa:bb:cc:dd:ee', 'too long MAC address'],
    ["the pod bridge's MAC", `${nics}.0.macAddress`, '02:00:00:00:00:00', 'reserved for the in-pod bridge'],
    ['a tablet at PS/2', `${domain}.devices.inputs.0.bus`, 'ps2', 'can have only virtio or usb bus'],
    ['an unknown field', `${domain}.devices.watchdogs`, {}, `unknown field "${domain}.devices.watchdogs"`],
    [
      "an instance type beside the VM's own CPU and memory",
      'spec.instancetype',
      { name: 'u1.medium', kind: 'VirtualMachineClusterInstancetype' },
      'spec.template.spec.domain.cpu.sockets',
    ],
    ['a policy that does not exist', `${domain}.cpu.features.0.policy`, 'maybe', 'uses policy maybe'],
    [
      'sectors of odd size',
      `${disks}.0.blockSize`,
      { custom: { logical: 520, physical: 520 } },
      'power of 2',
    ],
    [
      'a CD-ROM drive without a disc',
      `${disks}.2`,
      { name: 'cd', cdrom: { bus: 'sata' } },
      'DeclarativeHotplugVolumes feature gate not enabled, cannot define an empty CD-ROM disk',
    ],
    [
      'an affinity to nothing',
      `${guest}.affinity`,
      {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: '' }] },
      },
      'topologyKey',
    ],
    ['an annotation that is none', 'metadata.annotations', { 'not a key': 'x' }, 'metadata.annotations'],
    ['another run strategy', 'spec.runStrategy', 'Sometimes', 'Invalid RunStrategy (Sometimes)'],
    [
      'a reserved label',
      'spec.template.metadata.labels',
      { 'kubevirt.io/nodeName': 'a' },
      'reserved kubevirt.io/',
    ],
    ['a label that is none', 'metadata.labels.tier', 'a b', 'a valid label must be'],
    ['a name that is none', 'metadata.name', 'Web Server', 'a lowercase RFC 1123 subdomain must'],
    ['long annotations', 'metadata.annotations.a', 'a'.repeat(2 ** 18), 'may not be more than 262144 bytes'],
  ])('is refused with %s', async (_what, field, value, words) => {
    const offered = offer('virtualmachines', 'vms', changed(described(), field.split('.'), value));
    await expect(offered).rejects.toThrow(KubernetesRefused);
    await expect(offered).rejects.toThrow(words);
  });

  const none = { name: 'none', kind: 'VirtualMachineClusterInstancetype' };
  // KubeVirt and Kubernetes take these, and the VM never starts: so plans and conditions must find them.
  it.each<[what: string, field: string, value: unknown]>([
    [
      'a preference that does not exist',
      'spec.preference',
      { ...none, kind: 'VirtualMachineClusterPreference' },
    ],
    ['a toleration of nothing', `${guest}.tolerations`, [{ operator: 'Equal', value: 'x' }]],
    ['a node label that is none', `${guest}.nodeSelector`, { 'not a key': 'x' }],
  ])('is admitted with %s', async (_what, field, value) => {
    await offer('virtualmachines', 'vms', changed(described(), field.split('.'), value));
  });
  it('is admitted with an instance type that does not exist, even beside its own CPU and memory', async () => {
    await offer('virtualmachines', 'vms', changed(described(), ['spec', 'instancetype'], none));
  });
});

/** The document with another value in this field; undefined: without the field, or the item of a list. */
function changed(document: unknown, [key = '', ...rest]: readonly string[], value: unknown): unknown {
  if (Array.isArray(document)) {
    const index = Number(key);
    const put = rest.length === 0 ? value : changed(document[index], rest, value);
    return document.toSpliced(index, 1, ...(put === undefined ? [] : [put]));
  }
  const fields = document as Readonly<Record<string, unknown>>;
  return { ...fields, [key]: rest.length === 0 ? value : changed(fields[key], rest, value) };
}
