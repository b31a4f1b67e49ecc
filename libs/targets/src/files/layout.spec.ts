import { describe, expect, it } from '@jest/globals';
import { vmRecord } from '@ledgerlift/testing';
import fc from 'fast-check';
import { RecordMismatch } from '../errors.js';
import { inReleaseOrder } from '../workplace.js';
import { sharedSite } from '../itinerary.js';
import { claimsFor } from './claims.js';
import { targetOf } from '../registry.js';
import { claimName } from '../names.js';
import { layoutFor, layoutOf } from './layout.js';

const { itineraryFor } = targetOf('directory');

const claims = (targetName: string, disks: number): readonly string[] =>
  Array.from({ length: disks }, (_, index) =>
    claimName({ planName: 'first-wave', targetName, vm: { id: 'vm-1', name: 'web' }, machine: {} }, index),
  );

describe('the layout of a VM', () => {
  it('follows from namespace, name, disks and format alone', () => {
    const layout = layoutFor({
      namespace: 'prod',
      targetName: 'web',
      claims: claims('web', 2),
      format: 'qcow2',
    });
    expect(layout).toEqual({
      folder: 'prod/web',
      commitMarker: 'prod/web/committed.json',
      logs: {
        conversion: 'prod/web/logs/virt-v2v.log',
        bootProof: 'prod/web/logs/boot-proof.log',
        testConversion: 'prod/web/logs/test-virt-v2v.log',
        testBoot: 'prod/web/logs/test-boot.log',
        preflightInspection: 'prod/web/logs/preflight-inspection.log',
      },
      manifests: { virtualMachine: 'prod/web/manifests/vm.yaml', domain: 'prod/web/manifests/domain.xml' },
      disks: [0, 1].map((n) => ({
        disk: `prod/web/web-disk-${n}.qcow2`,
        chunks: `prod/web/web-disk-${n}.qcow2.chunks`,
        writer: `prod/web/web-disk-${n}.qcow2.writer.json`,
        overlay: `prod/web/web-disk-${n}.qcow2.overlay.qcow2`,
        testOverlay: `prod/web/web-disk-${n}.qcow2.test.qcow2`,
        unpacked: `prod/web/web-disk-${n}.qcow2.unpacked`,
        pvcName: `web-disk-${n}`,
        pvcManifest: `prod/web/manifests/pvc-${n}.yaml`,
      })),
    });
  });

  it('is the same when it is read from the record', () => {
    expect(layoutOf(vmRecord({ disks: 3 }))).toEqual(
      layoutFor({ namespace: 'default', targetName: 'web', claims: claims('web', 3), format: 'raw' }),
    );
  });

  it('names no two things the same', () => {
    const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    fc.assert(
      fc.property(label, label, fc.integer({ min: 1, max: 30 }), (namespace, targetName, disks) => {
        const {
          logs,
          manifests,
          disks: each,
          ...rest
        } = layoutFor({
          namespace,
          targetName,
          claims: claims(targetName, disks),
          format: 'raw',
        });
        const all = [logs, manifests, rest, ...each].flatMap((part) => Object.values(part));
        expect(new Set(all).size).toBe(all.length);
        for (const { pvcName } of each) expect(pvcName).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
      }),
    );
  });
});

describe('the itinerary of a cold migration', () => {
  const steps = (settings: Parameters<typeof vmRecord>[0]): string[] =>
    itineraryFor(vmRecord(settings)).map(({ step, service }) => `${step}@${service}`);

  it('has the six phases in order', () => {
    expect(itineraryFor(vmRecord()).map(({ phase, step }) => [phase, step])).toEqual([
      ['planning', 'Initialize'],
      ['preparation', 'SourcePowerOff'],
      ['preparation', 'DiskAllocation'],
      ['disk-transfer', 'DiskTransfer'],
      ['conversion', 'ImageConversion'],
      ['conversion', 'ImageCommit'],
      ['vm-creation', 'VirtualMachineCreation'],
      ['cutover', 'FinalPowerActions'],
    ]);
  });

  it('leaves the conversion out where the disks stay as they are', () => {
    expect(steps({ settings: { skipGuestConversion: true } }).join()).not.toMatch(/Image/);
  });

  it('ends with the boot proof where one is asked for', () => {
    expect(steps({ settings: { bootProof: true } }).at(-1)).toBe('BootProof@vm-creator');
  });

  it('goes to the first site that reaches both, and is refused without one', () => {
    expect(itineraryFor(vmRecord(), ['moon', 'edge']).every(({ site }) => site === 'edge')).toBe(true);
    expect(sharedSite(['a', 'b'], ['c'])).toBeUndefined();
    expect(() => itineraryFor(vmRecord(), ['moon'])).toThrow(RecordMismatch);
  });
});

describe('the itinerary of a warm migration', () => {
  const steps = (settings: { inspect: boolean; skipGuestConversion?: boolean }): string =>
    itineraryFor(vmRecord({ settings: { type: 'warm', ...settings } }))
      .map(({ step }) => step)
      .join(' ');

  it('inspects a guest that will be converted between the first snapshot and the first copy', () => {
    expect(steps({ inspect: true })).toMatch(
      /SnapshotCreation PreflightInspection DiskTransfer SnapshotRemoval/,
    );
    expect(steps({ inspect: false })).not.toMatch(/Inspection/);
    expect(steps({ inspect: true, skipGuestConversion: true })).not.toMatch(/Inspection/);
  });
});

describe('claims', () => {
  const all = (options: Parameters<typeof vmRecord>[0] = {}) =>
    Object.values(claimsFor(vmRecord(options))).flat();
  const names = (options: Parameters<typeof vmRecord>[0], kind: string) =>
    all(options)
      .filter((resource) => resource.kind === kind)
      .map(({ name, service, lifetime }) => [name, service, lifetime]);

  it('are made by the step that needs them, released by the service that made them', () => {
    expect(names({}, 'overlay')).toEqual([
      ['default/web/web-disk-0.raw.overlay.qcow2', 'converter', 'resume'],
    ]);
    expect(names({}, 'writer-record')).toEqual([
      ['default/web/web-disk-0.raw.writer.json', 'transfer', 'resume'],
    ]);
    expect(names({}, 'manifest').map(([name]) => name)).toEqual([
      'default/web/manifests/vm.yaml',
      'default/web/manifests/pvc-0.yaml',
      'default/web/manifests/domain.xml',
    ]);
  });

  it('hold room for unpacking only where the source has to be unpacked', () => {
    expect(names({}, 'unpacked-disk')).toEqual([]);
    expect(
      names(
        {
          eachDisk: {
            backing: {
              kind: 'ova',
              format: 'vmdk',
              parts: [{ file: 'web.ova', offset: 0, length: 1 }],
              compression: 'gzip',
            },
          },
        },
        'unpacked-disk',
      ),
    ).toEqual([['default/web/web-disk-0.raw.unpacked', 'transfer', 'temporary']]);
  });

  it('keep the folder as long as what lies in it', () => {
    expect(names({}, 'folder')).toEqual([['default/web', 'transfer', 'evidence']]);
    expect(names({ settings: { skipGuestConversion: true } }, 'folder')).toEqual([
      ['default/web', 'transfer', 'result'],
    ]);
  });

  it('are released with folders last', () => {
    const order = inReleaseOrder(all({ disks: 2 })).map(({ kind }) => kind);
    expect(order.indexOf('folder')).toBe(order.length - 1);
    expect(order).toHaveLength(all({ disks: 2 }).length);
  });
});
