import { describe, expect, it } from '@jest/globals';
import { type DrawnRecord, drawnRecords } from './drawn-records.js';

const drawn = drawnRecords(17, (name) => `target-of-${name.length}`, ['vms', 'team-2']);
const all = <T>(of: (record: DrawnRecord['record']) => T | readonly T[]): ReadonlySet<T> =>
  new Set(drawn.flatMap(({ record }) => of(record)));

describe('records that are drawn', () => {
  it('are the same for the same seed, and others for another', () => {
    const again = (seed: number) =>
      drawnRecords(seed, (name) => `target-of-${name.length}`, ['vms', 'team-2']);
    expect(again(17)).toEqual(drawn);
    expect(again(18)).not.toEqual(drawn);
  });

  it('have each combination of firmware, TPM, family and conversion once', () => {
    expect(drawn).toHaveLength(3 * 2 * 3 * 4);
    expect(new Set(drawn.map(({ title }) => title)).size).toBe(drawn.length);
  });

  it('have every value of all else at least once', () => {
    const sizes = (count: number, from: number) => new Set(Array.from({ length: count }, (_, i) => from + i));
    expect(all(({ disks }) => disks.length)).toEqual(sizes(8, 1));
    expect(all(({ nics }) => nics.length)).toEqual(sizes(5, 0));
    expect(all(({ nics }) => nics.map(({ network }) => network?.type))).toEqual(
      new Set(['pod', 'multus', undefined]),
    );
    const hardware = all(({ source: { vm } }) => `${vm.cpu.count}/${vm.cpu.coresPerSocket}`);
    expect(hardware.size).toBe(9);
    expect(all(({ source: { vm } }) => vm.name).size).toBe(9);
    expect(all(({ source: { vm } }) => vm.memory.bytes).size).toBe(7);
    expect(all(({ source: { vm } }) => vm.serial).size).toBe(4);
    expect(all(({ labels }) => JSON.stringify(labels)).size).toBe(6);
    const said = (name: keyof NonNullable<DrawnRecord['record']['machine']>) =>
      all(({ machine }) => JSON.stringify(machine?.[name])).size;
    expect(said('targetAffinity')).toBe(4);
    expect(said('cpuModel')).toBe(4);
    for (const name of [
      ...(['annotations', 'targetNodeSelector', 'targetTolerations', 'instanceType', 'preference'] as const),
      ...(['nestedVirtualization', 'volumeNameTemplate', 'networkNameTemplate'] as const),
    ])
      expect(said(name)).toBe(3);
    expect(all(({ source: { vm } }) => vm.cpu.nested).size).toBe(3);
    expect(all(({ source: { vm } }) => vm.disks.map((disk) => disk.sectorBytes)).size).toBe(3);
    expect(all(({ targetNamespace }) => targetNamespace)).toEqual(new Set(['vms', 'team-2']));
  });

  it('never have two NICs on the pod network, nor a virtual function there', () => {
    for (const { record } of drawn) {
      const onPod = record.nics.filter(({ network }) => network?.type === 'pod').map(({ nicId }) => nicId);
      expect(onPod.length).toBeLessThan(2);
      for (const { id, kind } of record.source.vm.nics) if (onPod.includes(id)) expect(kind).toBe('ethernet');
    }
  });
});
