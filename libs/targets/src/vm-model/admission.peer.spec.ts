import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Kubernetes, drawnRecords, startKubernetes } from '@ledgerlift/testing';
import { parse } from 'yaml';
import { dns1123Label } from '../names.js';
import { pvcManifest, targetVm, virtualMachineManifest } from './index.js';

const NAMESPACES = ['vms', 'team-2'];

let kubernetes: Kubernetes;
beforeAll(async () => {
  kubernetes = await startKubernetes({ extras: 'admission' });
  for (const name of NAMESPACES) await kubernetes.admin.create('/api/v1/namespaces', { metadata: { name } });
});
afterAll(() => kubernetes.stop());

interface Template {
  readonly metadata: object;
  readonly spec: { readonly domain: { memory: { readonly guest: string } } };
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
    const { memory } = kept.spec.template.spec.domain;
    expect(bytesOf(memory.guest)).toBe(vm.memoryBytes);
    said.spec.template.spec.domain.memory = { guest: memory.guest };
    expect(kept).toMatchObject(said);

    // What virt-controller makes of it once it starts is admitted on its own.
    const { metadata, spec } = kept.spec.template;
    const instance = {
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachineInstance',
      metadata: { ...metadata, name: vm.name },
      spec,
    };
    await offer('virtualmachineinstances', vm.namespace, instance);
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
