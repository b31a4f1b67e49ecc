/**
 * Express loads CommonJS packages, which must not be given their ES modules.
 *
 * @jest-environment-options {"customExportConditions": ["@ledgerlift/source", "node"]}
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RenderedVm, apiOperations } from '@ledgerlift/contracts';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import { inventoryOf, planSpec, sourceSpec, webVm } from '@ledgerlift/planning/spec';
import { closeTargets } from '@ledgerlift/targets';
import { type Kubernetes, startKubernetes, temporaryFolder } from '@ledgerlift/testing';
import { PlannerUnderTest } from './spec/planner-under-test.js';

const folder = temporaryFolder('kubevirt-plan');
let kubernetes: Kubernetes;
let temporary: Awaited<ReturnType<typeof openTemporaryLog>>;
let planner: PlannerUnderTest;

const windows = {
  ...webVm,
  id: 'db.ova#db',
  name: 'Data Base (old)',
  os: { ...webVm.os, family: 'windows' as const },
  firmware: 'efi' as const,
};

beforeAll(async () => {
  kubernetes = await startKubernetes({ extras: 'admission' });
  const { admin } = kubernetes;
  await admin.create('/api/v1/namespaces', { metadata: { name: 'vms' } });
  await admin.create('/apis/storage.k8s.io/v1/storageclasses', {
    metadata: { name: 'fast', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'csi.example',
  });
  await mkdir(folder.file('cluster'));
  await writeFile(join(folder.file('cluster'), 'kubeconfig'), await kubernetes.kubeconfig());
  process.env['LEDGERLIFT_SECRETS_DIR'] = folder.path;

  temporary = await openTemporaryLog();
  planner = await PlannerUnderTest.start(temporary.log, inventoryOf(webVm, windows));
  const between = { source: 'files', target: 'cluster' };
  const target = {
    name: 'cluster',
    type: 'kubevirt',
    secret: { name: 'cluster' },
    settings: { access: { kind: 'kubeconfig' }, namespaces: ['vms'] },
  };
  for (const spec of [sourceSpec, target]) await create('/providers', spec);
  const nets = [{ source: 'VM Network', destination: { type: 'pod' } }];
  const disks = [
    {
      source: 'ova',
      destination: { storageClass: 'fast', accessMode: 'ReadWriteOnce', volumeMode: 'Block' },
    },
  ];
  await create('/mappings', { ...between, kind: 'network', name: 'nets', pairs: nets });
  await create('/mappings', { ...between, kind: 'storage', name: 'disks', pairs: disks });
  const vms = [{ ref: 'web' }, { ref: windows.name }];
  await create('/plans', { ...planSpec, ...between, targetNamespace: 'vms', vms });
});
afterAll(async () => {
  await planner.stop();
  await closeTargets();
  await temporary.destroy();
  await kubernetes.stop();
  await folder.remove();
});

async function create(path: string, spec: object): Promise<void> {
  const reply = await planner.call('POST', path, spec);
  expect({ status: reply.status, text: reply.text }).toMatchObject({ status: 201 });
}
async function conditionsNow(): Promise<readonly string[]> {
  const { body } = await planner.call('POST', `/plans/${planSpec.name}/validate`);
  const { conditions } = apiOperations['plans.validate'].out.parse(body);
  return conditions.map(({ category, type }) => `${category} ${type}`);
}
async function rendered(): Promise<readonly RenderedVm[]> {
  const { body } = await planner.call('GET', `/plans/${planSpec.name}/manifests`);
  return apiOperations['plans.render'].out.parse(body).items;
}

/** Where the API server has it, by its name in the rendering. */
function pathOf(file: string): string {
  const [, name, kind] = /^(.+)\.(pvc|vm)\.yaml$/.exec(file) ?? [];
  return kind === 'pvc'
    ? `/api/v1/namespaces/vms/persistentvolumeclaims/${name}`
    : `/apis/kubevirt.io/v1/namespaces/vms/virtualmachines/${name}`;
}

describe('a plan for a cluster', () => {
  it('is rendered as manifests that kubectl apply --dry-run=server takes', async () => {
    const vms = await rendered();
    expect(vms.map(({ name, files, missing }) => [name, files.map((file) => file.name), missing])).toEqual([
      ['web', ['web-disk-0.pvc.yaml', 'web.vm.yaml'], undefined],
      [windows.name, ['data-base-old-disk-0.pvc.yaml', 'data-base-old.vm.yaml'], undefined],
    ]);
    for (const { name, content } of vms.flatMap(({ files }) => files)) {
      // As kubectl sends it (kubectl apply --server-side --dry-run=server).
      const kept = await kubernetes.admin.call(
        `${pathOf(name)}?dryRun=All&fieldManager=kubectl&fieldValidation=Strict`,
        { method: 'PATCH', contentType: 'application/apply-patch+yaml', body: content },
      );
      expect(kept).toMatchObject({ metadata: { labels: { 'ledgerlift.io/plan': planSpec.name } } });
    }
  });

  it('is validated against the cluster as it is now', async () => {
    const before = await conditionsNow();
    expect(before).toContain('Warn VMNotLiveMigratable');
    expect(before).not.toContain('Critical VMAlreadyExists');
    const at = '/api/v1/namespaces/vms/persistentvolumeclaims';
    await kubernetes.admin.create(at, {
      metadata: { name: 'web-disk-0' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
    });
    expect(await conditionsNow()).toContain('Critical VMAlreadyExists');
  });
});
