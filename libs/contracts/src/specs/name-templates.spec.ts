import { describe, expect, it } from '@jest/globals';
import { ClaimNameTemplate, NetworkNameTemplate, VolumeNameTemplate } from './name-templates.js';

const faults = (schema: typeof ClaimNameTemplate, template: string): readonly string[] =>
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
  ])('is taken: %#', (schema, template) => expect(faults(schema, template)).toEqual([]));

  it.each([
    [ClaimNameTemplate, '{{.VmName}}-disk-{{.DiskIndex}}', 'is Forklift'],
    [
      ClaimNameTemplate,
      '{vm}-{nic}',
      'has the placeholder {nic}; there are {vm}, {target}, {plan}, {id}, {disk}',
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
    const [fault, ...more] = faults(schema, template);
    expect(fault).toContain(words);
    expect(more).toEqual([]);
  });
});
