import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ProviderSpec, type SourceVm } from '@ledgerlift/contracts';
import { closeSources, sourceProvider } from '@ledgerlift/providers';
import { dns1123Label, pvcManifest, targetVm, virtualMachineManifest } from '@ledgerlift/targets';
import {
  type Kubernetes,
  type OvaSpec,
  type Vsphere,
  amendments,
  asOvirt,
  buildOva,
  kubevirtDomains,
  makeSmallDisk,
  startKubernetes,
  startVsphere,
  temporaryFolder,
  vmRecord,
  withBlankDisk,
  withConfigurations,
  withItemAttributes,
} from '@ledgerlift/testing';

const MiB = 2 ** 20;
const folder = temporaryFolder('admission');
let kubernetes: Kubernetes;
let vsphere: Vsphere;

beforeAll(async () => {
  kubernetes = await startKubernetes({ extras: 'admission' });
  vsphere = await startVsphere({
    vms: [
      {
        name: 'db1',
        cpus: 3,
        memoryMb: 2049,
        guestId: 'rhel9_64Guest',
        firmware: 'efi',
        secureBoot: true,
        uuid: '423EFD65-A73D-E159-A56D-DD25289F8B0C',
        networks: ['VM Network', 'DC0_DVPG0'],
        disks: [{ capacityBytes: 8 * MiB }, { capacityBytes: 4 * MiB, controller: 'nvme' }],
      },
      { name: 'Büro & Söhne_01', off: true, guestId: 'windows2019srv_64Guest', networks: [] },
    ],
  });
});
afterAll(async () => {
  await closeSources();
  await vsphere.stop();
  await kubernetes.stop();
  await folder.remove();
});

/** Sends the manifest as it is written: the server reads YAML as kubectl does. @returns what it would keep */
async function offer(collection: string, yaml: string): Promise<unknown> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(
      `${kubernetes.url}${collection}?dryRun=All&fieldValidation=Strict`,
      {
        ...kubernetes.admin.credentials,
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/yaml', accept: 'application/json' },
      },
      resolve,
    );
    sent.on('error', reject);
    sent.end(yaml);
  });
  const answer: unknown = await json(response);
  expect([response.statusCode, answer]).toEqual([
    201,
    expect.objectContaining({ metadata: expect.anything() }),
  ]);
  return answer;
}

/** What the API server and KubeVirt would keep of the VM and its claims; KubeVirt could start it, too. */
async function admitted(vm: SourceVm, spec: ProviderSpec): Promise<readonly unknown[]> {
  const multus = { type: 'multus', name: 'lan' } as const;
  const record = vmRecord({
    vm,
    provider: spec,
    record: {
      targetName: dns1123Label(vm.name),
      nics: vm.nics.map(({ id }, index) => ({ nicId: id, network: index === 0 ? { type: 'pod' } : multus })),
    },
  });
  const target = targetVm(record);
  const kept = [
    await offer('/apis/kubevirt.io/v1/namespaces/default/virtualmachines', virtualMachineManifest(target)),
  ];
  const started = await kubevirtDomains(kept.map((each) => ({ vm: each as object })));
  expect(started).toEqual([{ xml: expect.any(String) }]);
  for (const disk of target.disks)
    kept.push(await offer('/api/v1/namespaces/default/persistentvolumeclaims', pvcManifest(target, disk)));
  return kept;
}

async function inventoryOf(spec: ProviderSpec): Promise<readonly SourceVm[]> {
  const { vms, problems } = (await sourceProvider(spec.type)?.inventory(spec)) ?? { vms: [], problems: [] };
  expect(problems).toEqual([]);
  return vms;
}

const firmwareOf = (vm: unknown): unknown =>
  (
    vm as {
      readonly spec: {
        readonly template: { readonly spec: { readonly domain: { readonly firmware: unknown } } };
      };
    }
  ).spec.template.spec.domain.firmware;

describe('a VM that a provider read', () => {
  it('is admitted, whichever exporter wrote its OVA', async () => {
    const raw = folder.file('disk.raw');
    await makeSmallDisk(raw, { size: 2 * MiB });
    const nics = [{ network: 'LAN', mac: '00:50:56:01:02:03' }, { network: 'DMZ' }];
    const usual = { disks: [{ raw }], nics };
    const packages: readonly Partial<OvaSpec>[] = [
      {
        vms: [
          { ...usual, name: 'esx', cpus: 7, memoryMiB: 1023, firmware: 'efi', os: 'windows2019srv_64Guest' },
        ],
      },
      { vms: [{ ...usual, name: 'O Virt', cpus: 8 }], amend: asOvirt },
      { vms: [{ ...usual, name: 'box_1', cpus: 4 }], style: 'virtualbox' },
      {
        vms: [{ ...usual, name: 'grösse' }],
        amend: amendments(
          withConfigurations({ id: 'small' }, { id: 'large', isDefault: true }),
          withItemAttributes(10, 'ovf:configuration="small"'),
        ),
      },
      { vms: [{ name: '-.-', disks: Array.from({ length: 8 }, () => ({ raw })) }] },
      { vms: [{ ...usual, name: 'x'.repeat(90) }], amend: withBlankDisk('blank', 3 * MiB) },
      { vms: ['one', 'two'].map((name) => ({ ...usual, name })) },
    ];
    const path = folder.file('ovas');
    await mkdir(path);
    for (const [index, change] of packages.entries())
      await buildOva({ name: `package-${index}`, folder: path, vms: [], ...change });
    const spec = ProviderSpec.parse({ name: 'files', type: 'ova', settings: { path } });
    const vms = await inventoryOf(spec);
    expect(vms).toHaveLength(8);
    for (const vm of vms) expect(await admitted(vm, spec)).toHaveLength(1 + vm.disks.length);
  });

  it('is admitted from vSphere, with the UUID and the serial number that its guest knows', async () => {
    const secrets = folder.file('secrets');
    process.env['LEDGERLIFT_SECRETS_DIR'] = secrets;
    await mkdir(`${secrets}/vcenter`, { recursive: true });
    for (const [name, value] of Object.entries(vsphere.admin))
      await writeFile(`${secrets}/vcenter/${name}`, value);
    const spec = ProviderSpec.parse({
      name: 'vcenter',
      type: 'vsphere',
      secret: { name: 'vcenter' },
      settings: { url: vsphere.url, thumbprint: vsphere.thumbprint256 },
    });
    const vms = await inventoryOf(spec);
    expect(vms).toHaveLength(2);
    for (const vm of vms) {
      const [kept, ...claims] = await admitted(vm, spec);
      expect(claims).toHaveLength(vm.disks.length);
      expect(vm.uuid).toBeDefined();
      expect(firmwareOf(kept)).toMatchObject({ uuid: vm.uuid?.toLowerCase(), serial: vm.serial });
    }
  });
});
