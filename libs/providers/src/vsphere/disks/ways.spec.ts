import { describe, expect, it } from '@jest/globals';
import type { DiskBacking, Snapshot, SourceDisk } from '@ledgerlift/contracts';
import type { VsphereTools } from '../tools/index.js';
import { type ChosenFor, type Way, chooseWay } from './index.js';

type Backing = Extract<DiskBacking, { kind: 'vsphere' }>;
const disk = (backing: Partial<Backing> = {}): SourceDisk => ({
  id: '2000',
  name: 'Hard disk 1',
  capacityBytes: 1024,
  storage: 'ds',
  bus: 'scsi',
  controller: 0,
  unit: 0,
  shared: false,
  backing: {
    kind: 'vsphere',
    vmId: 'vm-1',
    key: 2000,
    uuid: '',
    file: '[ds] web/web.vmdk',
    datastore: 'datastore-1',
    format: 'flat',
    mode: 'persistent',
    hasParent: false,
    ...backing,
  },
});
const snapshot: Snapshot = {
  name: 's',
  id: 'snapshot-1',
  momentId: 's',
  createdAt: '2026-01-01T00:00:00.000Z',
  disks: [],
};
const off: ChosenFor = { powerState: 'off', snapshots: [] };
const on: ChosenFor = { powerState: 'on', snapshots: ['s'] };
const vddk = { folder: '/opt/vddk', plugin: 'vddk', version: '8.0.3', reads: [] };
const curl = { plugin: 'curl' };
const missing = { problem: 'it is not here' };
const all: VsphereTools = { vddk, curl };
const noVddk: VsphereTools = { vddk: missing, curl };

describe('the way to a disk of vSphere', () => {
  it('is VDDK where it is, for a VM that is off and for a snapshot', () => {
    expect(chooseWay(off, disk(), undefined, all)).toMatchObject({ way: 'vddk', notTaken: [] });
    expect(chooseWay(on, disk({ hasParent: true }), snapshot, all)).toMatchObject({ way: 'vddk' });
  });

  it('is the file of the disk without it, and says what is missing', () => {
    expect(chooseWay(off, disk(), undefined, noVddk)).toMatchObject({
      way: 'datastore',
      notTaken: [{ way: 'vddk', why: 'it is not here' }],
    });
  });

  it.each<[string, ChosenFor, Partial<Backing>]>([
    ['a file under which others lie', off, { hasParent: true }],
    ['a VM with snapshots', { powerState: 'off', snapshots: ['backup'] }, {}],
    ['a file that is not flat', off, { format: 'sesparse' }],
    ['a file of another kind', off, { format: 'rdm-virtual' }],
  ])('is an export for %s', (_, vm, backing) => {
    const { way, notTaken } = chooseWay(vm, disk(backing), undefined, noVddk);
    expect([way, ...notTaken.map((each) => each.way)]).toEqual(['nfc', 'vddk', 'datastore']);
  });

  it('is an export without any tool', () => {
    expect(chooseWay(off, disk(), undefined, { vddk: missing, curl: missing }).way).toBe('nfc');
  });

  it.each<[string, ChosenFor, Partial<Backing>, Snapshot | undefined]>([
    ['a snapshot', off, {}, snapshot],
    ['a VM that is on', { powerState: 'on', snapshots: [] }, {}, undefined],
    ['a VM that is suspended', { powerState: 'suspended', snapshots: [] }, {}, undefined],
    ['a LUN that is passed through', off, { format: 'rdm-physical' }, undefined],
  ])('is none without VDDK for %s', (_, vm, backing, read) => {
    const { way, notTaken } = chooseWay(vm, disk(backing), read, noVddk);
    expect(way).toBeUndefined();
    expect(notTaken.map((each) => each.way)).toEqual(['vddk', 'datastore', 'nfc']);
  });

  it('is the next one where one was ruled out', () => {
    const ruledOut = new Map<Way, string>([
      ['vddk', 'a'],
      ['datastore', 'b'],
    ]);
    expect(chooseWay(off, disk(), undefined, all, ruledOut)).toMatchObject({
      way: 'nfc',
      notTaken: [
        { way: 'vddk', why: 'a' },
        { way: 'datastore', why: 'b' },
      ],
    });
  });
});
