import { describe, expect, it } from '@jest/globals';
import { vmRecord } from '@ledgerlift/testing';
import { type AdoptedClaimsRequest, type ClaimsThere, findAdoptedClaims } from './adopted.js';
import { Claim } from './claims.js';
import type { ClaimUser } from './holders.js';

const GiB = 2 ** 30;
const [first, second] = [
  { id: 'disk-0', capacityBytes: 10 * GiB },
  { id: 'disk-1', capacityBytes: 20 * GiB },
];
const source = vmRecord({ disks: 2 }).source.vm;
const twoDisks = source.disks.map((disk, index) => ({ ...disk, ...(index === 0 ? first : second) }));
const vm = { id: 'vm-7', name: 'web', uuid: '421a', disks: twoDisks };
const oneDisk = { ...vm, disks: twoDisks.slice(0, 1) };

interface Difference {
  readonly metadata?: object;
  readonly accessModes?: readonly string[];
  readonly phase?: string;
  readonly storage?: string;
}
function claim(name: string, labels: Readonly<Record<string, string>> = {}, differs: Difference = {}): Claim {
  const { metadata, accessModes = ['ReadWriteOnce'], phase = 'Bound', storage = '32Gi' } = differs;
  return Claim.parse({
    metadata: { name, namespace: 'vms', uid: name, resourceVersion: '1', labels, ...metadata },
    spec: { accessModes },
    status: { phase, capacity: { storage } },
  });
}

type Find = {
  readonly request?: Partial<AdoptedClaimsRequest>;
  readonly users?: readonly ClaimUser[];
  readonly usedBy?: Parameters<typeof findAdoptedClaims>[2];
};
function find(claims: readonly Claim[], { request = {}, users = [], usedBy }: Find = {}) {
  const there = new Map<string, ClaimsThere>([['vms', { claims, users }]]);
  const found = findAdoptedClaims(
    [{ vm, namespace: 'vms', where: undefined, ...request }],
    there,
    usedBy,
  ).get('vm-7');
  if (found === undefined) throw new Error('every VM is answered for');
  return found;
}
const names = (found: ReturnType<typeof find>): readonly string[] => found.disks.map(({ name }) => name);

describe('claims that another tool filled', () => {
  it('are found by the names in the plan, in the order of the disks', () => {
    const found = find([claim('b'), claim('a'), claim('c')], { request: { where: { files: ['a', 'b'] } } });
    expect(found).toEqual({
      disks: [
        { diskId: 'disk-0', name: 'vms/a', format: 'raw' },
        { diskId: 'disk-1', name: 'vms/b', format: 'raw' },
      ],
      problems: [],
    });
  });

  it('are found by the labels that Forklift asks for', () => {
    const labels = { vmID: 'vm-7', vmUUID: '421a' };
    const claims = [claim('b', { ...labels, diskID: 'disk-1' }), claim('a', { ...labels, diskID: 'disk-0' })];
    expect(names(find(claims))).toEqual(['vms/a', 'vms/b']);
    expect(names(find([claim('a', { vmID: 'vm-7' })], { request: { vm: oneDisk } }))).toEqual(['vms/a']);
    expect(names(find([claim('a', { vmUUID: '421a' })], { request: { vm: oneDisk } }))).toEqual(['vms/a']);
    expect(names(find([claim('a', { vmID: 'vm-8', vmUUID: '421a' })], { request: { vm: oneDisk } }))).toEqual(
      [],
    );
  });

  it('are found by labels of the plan, and by ids that are no labels’ values', () => {
    const where = { labels: { batch: 'one', app: 'web' } };
    const claims = [claim('a', { batch: 'one', app: 'web' }), claim('b', { batch: 'one' })];
    expect(names(find(claims, { request: { vm: oneDisk, where } }))).toEqual(['vms/a']);
    const odd = {
      ...oneDisk,
      disks: oneDisk.disks.map((disk) => ({ ...disk, id: '[store] web/disk.vmdk' })),
    };
    const labelled = claim('a', { vmID: 'vm-7', diskID: 'store-web-disk.vmdk' });
    expect(names(find([labelled], { request: { vm: odd } }))).toEqual(['vms/a']);
  });

  it.each<[string, readonly Claim[], Find, string, RegExp]>([
    [
      'none of the name',
      [claim('a')],
      { request: { where: { files: ['a', 'x'] } } },
      'NotFound',
      /no claim "x"/,
    ],
    [
      'too few names',
      [claim('a')],
      { request: { where: { files: ['a'] } } },
      'NotFound',
      /names 1 claims, but the VM has 2/,
    ],
    [
      'too many names',
      [claim('a')],
      { request: { where: { files: ['a', 'b', 'c'] } } },
      'Ambiguous',
      /names 3 claims, but the VM has 2/,
    ],
    [
      'none of the label',
      [claim('a')],
      { request: { vm: oneDisk } },
      'NotFound',
      /no claim is labelled vmID=vm-7/,
    ],
    [
      'two of the label',
      [claim('a', { vmID: 'vm-7' }), claim('b', { vmID: 'vm-7' })],
      { request: { vm: oneDisk } },
      'Ambiguous',
      /several claims match the disk "disk-0": a, b are/,
    ],
    [
      'none that says which disk it is',
      [claim('a', { vmID: 'vm-7', diskID: 'disk-0' }), claim('b', { vmID: 'vm-7' })],
      {},
      'Ambiguous',
      /2 claims are labelled vmID=vm-7, but none has `diskID` set to "disk-1"/,
    ],
  ])('are not chosen where there is %s', (_, claims, given, reason, message) => {
    const { problems } = find(claims, given);
    expect(problems).toEqual([{ reason, message: expect.stringMatching(message) }]);
  });

  const named = { request: { vm: oneDisk, where: { files: ['a'] } } };
  const anHourAgo = '2026-01-01T00:00:00Z';
  it.each<[string, Difference, Find, string, RegExp]>([
    [
      'too small',
      { storage: '9Gi' },
      {},
      'OtherSize',
      /it has 9663676416 bytes, but the source's disk has 10737418240/,
    ],
    ['pending', { phase: 'Pending' }, {}, 'NotUsable', /no volume \(phase Pending\)/],
    ['lost', { phase: 'Lost' }, {}, 'NotUsable', /no volume \(phase Lost\)/],
    ['being deleted', { metadata: { deletionTimestamp: anHourAgo } }, {}, 'NotUsable', /is being deleted/],
    ['read-only', { accessModes: ['ReadOnlyMany'] }, {}, 'NotUsable', /it is read-only/],
    [
      'another migration’s',
      { metadata: { labels: { 'ledgerlift.io/migration': 'm9', 'ledgerlift.io/installation': 'lab' } } },
      {},
      'InUse',
      /of the migration "m9"/,
    ],
    [
      'another VM’s',
      { metadata: { ownerReferences: [{ kind: 'VirtualMachine', name: 'db', uid: 'u' }] } },
      {},
      'InUse',
      /a disk of the VM "db"/,
    ],
    [
      'mounted',
      {},
      { users: [{ who: 'the pod "backup"', claims: ['x', 'a'] }] },
      'InUse',
      /the pod "backup" uses it/,
    ],
    [
      'adopted by another migration',
      {},
      { usedBy: new Map([['vms/a', { what: 'm2 converts it', givesUp: undefined }]]) },
      'InUse',
      /m2 converts it$/,
    ],
    [
      'that of a VM that was made of it',
      {},
      { usedBy: new Map([['vms/a', { what: 'it is a disk of m2', givesUp: 'm2' }]]) },
      'InUse',
      /set `takenFrom: m2` beside the disks/,
    ],
  ])('are not taken where one is %s', (_, differs, given, reason, message) => {
    expect(names(find([claim('a')], named))).toEqual(['vms/a']);
    const { disks, problems } = find([claim('a', {}, differs)], { ...named, ...given });
    expect(disks).toEqual([]);
    expect(problems).toEqual([{ reason, message: expect.stringMatching(message) }]);
  });

  it('are taken from a migration that the plan names', () => {
    const usedBy = new Map([['vms/a', { what: 'it is a disk of m2', givesUp: 'm2' }]]);
    const where = { files: ['a'], takenFrom: 'm2' };
    expect(names(find([claim('a')], { request: { vm: oneDisk, where }, usedBy }))).toEqual(['vms/a']);
  });

  it('are not taken for two disks', () => {
    const { problems } = find([claim('a')], { request: { where: { files: ['a', 'a'] } } });
    expect(problems).toEqual([{ reason: 'InUse', message: 'the claim "a": it is also a disk of "web"' }]);
  });
});
