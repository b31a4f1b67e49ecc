import { describe, expect, it } from '@jest/globals';
import { PlanSpec } from './plan.js';

const plan = {
  name: 'first',
  ...{ source: 'files', target: 'prod', networkMapping: 'n', storageMapping: 's', vms: [{ ref: 'web' }] },
};
const faults = (change: object): readonly string[] =>
  PlanSpec.safeParse({ ...plan, ...change }).error?.issues.map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  ) ?? [];

const affinity = (required: object) => ({
  targetAffinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [required] }],
      },
    },
  },
});

describe('what a plan says of the target VM', () => {
  it('may be left out, and its kinds are those of the whole cluster', () => {
    expect(PlanSpec.parse(plan)).not.toHaveProperty('instanceType');
    const { instanceType, preference } = PlanSpec.parse({
      ...plan,
      ...{ instanceType: { name: 'u1.medium' }, preference: { name: 'rhel.9' } },
    });
    expect(instanceType?.kind).toBe('VirtualMachineClusterInstancetype');
    expect(preference?.kind).toBe('VirtualMachineClusterPreference');
  });

  it.each([
    [{ targetTolerations: [{ operator: 'Exists' }, { key: 'gpu', value: 'yes', effect: 'NoSchedule' }] }],
    [affinity({ key: 'cores', operator: 'Gt', values: ['4'] })],
    [affinity({ key: 'ssd', operator: 'Exists' })],
    [{ annotations: { 'not a key': 'kept aside' } }],
  ])('is taken: %j', (change) => expect(faults(change)).toEqual([]));

  it.each([
    [{ instanceType: { name: 'U1' } }, 'instanceType.name: must be a name of Kubernetes'],
    [{ instanceType: { name: 'u1', kind: 'VirtualMachinePreference' } }, 'instanceType.kind:'],
    [{ cpuModel: 'host model' }, 'cpuModel: must be the name of a CPU model'],
    [{ annotations: { a: 'ä'.repeat(32 * 1024) } }, 'annotations: must have at most 65536 bytes'],
    [{ targetNodeSelector: { zone: 'a b' } }, 'targetNodeSelector.zone: must be the value of a label'],
    [{ targetNodeSelector: { 'not a key': 'a' } }, 'targetNodeSelector.not a key:'],
    [
      { targetTolerations: [{ operator: 'Equal', value: 'x' }] },
      'targetTolerations.0.operator: must be Exists',
    ],
    [{ targetTolerations: [{ key: 'a', operator: 'Exists', value: 'x' }] }, 'targetTolerations.0.value:'],
    [{ targetTolerations: [{ key: 'a', tolerationSeconds: 1 }] }, 'targetTolerations.0.tolerationSeconds:'],
    [affinity({ key: 'a', operator: 'In' }), 'values: must be left out with Exists'],
    [affinity({ key: 'a', operator: 'Exists', values: ['b'] }), 'values: must be left out with Exists'],
    [affinity({ key: 'a', operator: 'Gt', values: ['1', '2'] }), 'values: must be one number'],
    [{ targetAffinity: { nodeAfinity: {} } }, 'Unrecognized key: "nodeAfinity"'],
    [{ pvcNameTemplate: '{vm}' }, 'pvcNameTemplate: must begin or end with {disk}'],
    [
      { vms: [{ ref: 'web', pvcNameTemplate: '{vm}' }] },
      'vms.0.pvcNameTemplate: must begin or end with {disk}',
    ],
  ])('is refused: %#', (change, words) => expect(faults(change).join('\n')).toContain(words));
});
