import { describe, expect, it } from '@jest/globals';
import { ClaimNameTemplate, NetworkNameTemplate, VolumeNameTemplate } from './machine.js';
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

describe('the settings of the target VM', () => {
  it('may be left out, and default to cluster-wide kinds', () => {
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
    [{ instanceType: { name: 'U1' } }, 'instanceType.name: must be a Kubernetes name'],
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

const issues = (schema: typeof ClaimNameTemplate, template: string): readonly string[] =>
  schema.safeParse(template).error?.issues.map(({ message }) => message) ?? [];

describe('a template of names', () => {
  it.each([
    [ClaimNameTemplate, '{target}-disk-{disk}'],
    [ClaimNameTemplate, '{disk}-{vm}'],
    [ClaimNameTemplate, 'data{disk}'],
    [ClaimNameTemplate, '{plan}-{id}-{disk}'],
    [VolumeNameTemplate, '{claim}'],
    [VolumeNameTemplate, '{disk}'],
    [NetworkNameTemplate, '{type}-{namespace}-{network}-{nic}'],
  ])('is taken: %#', (schema, template) => expect(issues(schema, template)).toEqual([]));

  it.each([
    [ClaimNameTemplate, '{{.VmName}}-disk-{{.DiskIndex}}', 'is Forklift'],
    [
      ClaimNameTemplate,
      '{vm}-{nic}',
      'has the unknown placeholder {nic}; use {vm}, {target}, {plan}, {id}, {disk}',
    ],
    [ClaimNameTemplate, '{vm}-{vm}-{disk}', 'has {vm} twice'],
    [ClaimNameTemplate, '{vm}_{disk}', 'lower case letters'],
    [ClaimNameTemplate, '{vm-{disk}', 'lower case letters'],
    [ClaimNameTemplate, `${'a'.repeat(40)}-{disk}`, 'it has 41'],
    [ClaimNameTemplate, '-{disk}', 'must begin and end'],
    [ClaimNameTemplate, '{vm}', 'must begin or end with {disk}'],
    // Web1 and its disk 0 would be called as web and its disk 10.
    [ClaimNameTemplate, '{vm}{disk}', 'must begin or end with {disk}'],
    [ClaimNameTemplate, '{vm}1{disk}', 'must begin or end with {disk}'],
    [ClaimNameTemplate, '{vm}-{disk}-{plan}', 'must begin or end with {disk}'],
    [VolumeNameTemplate, 'volume', 'must begin or end with {disk}'],
    [NetworkNameTemplate, '{network}', 'such as `{network}-{nic}`'],
  ])('is refused: %#', (schema, template, words) => {
    const [fault, ...more] = issues(schema, template);
    expect(fault).toContain(words);
    expect(more).toEqual([]);
  });
});
