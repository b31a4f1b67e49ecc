import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { type Kubernetes, KubernetesRefused, startKubernetes } from './index.js';

const VMS = '/apis/kubevirt.io/v1/namespaces/vms/virtualmachines';
const STRICT = '?fieldValidation=Strict';

let kubernetes: Kubernetes;
beforeAll(async () => {
  kubernetes = await startKubernetes({ extras: 'admission', controllerManager: true });
  await kubernetes.admin.create('/api/v1/namespaces', { metadata: { name: 'vms' } });
});
afterAll(async () => {
  await kubernetes.stop();
});

interface Vm {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template: { readonly spec: { readonly domain: Readonly<Record<string, unknown>> } };
  };
}

const vmOf = (name: string, { disk = 'root', more = {} } = {}): object => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'vms' },
  spec: {
    runStrategy: 'Halted',
    template: {
      spec: {
        domain: {
          cpu: { cores: 2 },
          memory: { guest: '256Mi' },
          devices: { disks: [{ name: disk, disk: { bus: 'virtio' } }] },
        },
        volumes: [{ name: 'root', persistentVolumeClaim: { claimName: 'root' } }],
        ...more,
      },
    },
  },
});

const refused = (status: number, message: RegExp): object => ({
  name: KubernetesRefused.name,
  status,
  message: expect.stringMatching(message),
});

describe('the Kubernetes of a test', () => {
  it('has KubeVirt complete a VM that it admits', async () => {
    const vm = await kubernetes.admin.create<Vm>(`${VMS}${STRICT}`, vmOf('web'));
    expect(vm.metadata.name).toBe('web');
    // Set by virt-api's mutating webhook: no schema has these as defaults.
    expect(vm.spec.template.spec.domain).toMatchObject({ machine: { type: 'q35' } });
  });

  it("refuses what only KubeVirt's admission knows to be wrong", async () => {
    await expect(
      kubernetes.admin.create(`${VMS}${STRICT}`, vmOf('astray', { disk: 'nowhere' })),
    ).rejects.toMatchObject(refused(422, /devices\.disks\[0\]\.Name 'nowhere' not found/));
  });

  it('refuses an unknown field where it is asked to be strict, and else drops it', async () => {
    const vm = vmOf('misspelt', { more: { evictionStrateggy: 'None' } });
    await expect(kubernetes.admin.create(`${VMS}${STRICT}`, vm)).rejects.toMatchObject(
      refused(400, /unknown field "spec\.template\.spec\.evictionStrateggy"/),
    );
    const made = await kubernetes.admin.create<Vm>(VMS, vm);
    expect(made.spec.template.spec).not.toHaveProperty('evictionStrateggy');
  });

  it('allows a service account nothing until a role does', async () => {
    const token = await kubernetes.admin.serviceAccount('vms', 'migrator');
    expect(await kubernetes.kubeconfig({ token })).toContain(token);
    const review = async (): Promise<unknown> => {
      const { status } = await kubernetes.admin.create<{ readonly status: unknown }>(
        '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        {
          spec: {
            user: 'system:serviceaccount:vms:migrator',
            resourceAttributes: {
              namespace: 'vms',
              group: 'kubevirt.io',
              resource: 'virtualmachines',
              verb: 'create',
            },
          },
        },
      );
      return status;
    };
    expect(await review()).toMatchObject({ allowed: false });
    await kubernetes.admin.create('/apis/rbac.authorization.k8s.io/v1/namespaces/vms/roles', {
      metadata: { name: 'migrator' },
      rules: [{ apiGroups: ['kubevirt.io'], resources: ['virtualmachines'], verbs: ['create'] }],
    });
    await kubernetes.admin.create('/apis/rbac.authorization.k8s.io/v1/namespaces/vms/rolebindings', {
      metadata: { name: 'migrator' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'migrator' },
      subjects: [{ kind: 'ServiceAccount', name: 'migrator', namespace: 'vms' }],
    });
    let status = await review();
    for (let tries = 0; tries < 100 && !(status as { allowed: boolean }).allowed; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      status = await review();
    }
    expect(status).toMatchObject({ allowed: true });
  });

  it('keeps port and data over a kill of the API server', async () => {
    await kubernetes.kill();
    await expect(kubernetes.admin.call('/readyz')).rejects.toThrow(/ECONNREFUSED/);
    await kubernetes.restart();
    expect(await kubernetes.admin.call<Vm>(`${VMS}/web`)).toMatchObject({ metadata: { name: 'web' } });
  });

  it('leaves nothing behind', async () => {
    const other = await startKubernetes({ extras: 'none' });
    expect(existsSync(other.folder)).toBe(true);
    await other.stop();
    expect(other.apiServer.alive).toBe(false);
    expect(existsSync(other.folder)).toBe(false);
  });
});
