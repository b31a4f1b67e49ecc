import type { GuestCapabilities } from '@ledgerlift/contracts';
import { describe, expect, it } from '@jest/globals';
import { type RecordOptions, vmRecord as usual } from '@ledgerlift/testing';
import { parse } from 'yaml';
import { libvirtDomain, targetVm, virtualMachineManifest } from './index.js';

/** A VM whose name is no name of Kubernetes. */
const vmRecord = (options: RecordOptions = {}) =>
  usual({ ...options, vm: { name: 'Web Server', ...options.vm } });
const virtio: GuestCapabilities = { diskBus: 'virtio', nicModel: 'virtio', rng: true, balloon: true };
const sata: GuestCapabilities = { diskBus: 'sata', nicModel: 'e1000e', rng: false, balloon: false };

describe('what a plan says of the target VM', () => {
  const manifest = (options: RecordOptions = {}) =>
    parse(virtualMachineManifest(targetVm(vmRecord(options), { capabilities: virtio })), { version: '1.1' });

  it('keeps UEFI variables for a TPM alone', () => {
    const bootloader = (vm: NonNullable<RecordOptions['vm']>) =>
      manifest({ vm }).spec.template.spec.domain.firmware.bootloader;
    expect(bootloader({ firmware: 'efi' })).toEqual({ efi: { secureBoot: false } });
    expect(bootloader({ firmware: 'efi', tpm: true })).toEqual({
      efi: { secureBoot: false, persistent: true },
    });
    expect(bootloader({ tpm: true })).toEqual({ bios: {} });
  });

  it('leaves CPU and memory to the instance type, which KubeVirt would refuse beside it', () => {
    const instanceType = { name: 'u1.medium', kind: 'VirtualMachineClusterInstancetype' } as const;
    const preference = { name: 'rhel.9', kind: 'VirtualMachinePreference' } as const;
    const { spec } = manifest({ record: { machine: { instanceType, preference } } });
    expect(spec).toMatchObject({ instancetype: instanceType, preference });
    expect(spec.template.spec.domain).not.toHaveProperty('cpu');
    expect(spec.template.spec.domain).not.toHaveProperty('memory');
    const named = manifest({ record: { machine: { instanceType, cpuModel: 'host-model' } } });
    expect(named.spec.template.spec.domain.cpu).toEqual({ model: 'host-model' });
  });

  it.each([
    [undefined, undefined, undefined],
    [undefined, false, undefined],
    [undefined, true, 'optional'],
    [true, undefined, 'optional'],
    [false, true, 'disable'],
  ] as const)(
    'where the plan says %s of nested virtualization, and the source %s, has it %s',
    (nestedVirtualization, nested, policy) => {
      const machine = nestedVirtualization === undefined ? {} : { nestedVirtualization };
      const cpu = {
        ...{ count: 4, coresPerSocket: 2, affinity: [], hotAdd: false },
        ...(nested === undefined ? {} : { nested }),
      };
      const { domain } = manifest({ vm: { cpu }, record: { machine } }).spec.template.spec;
      expect(domain.cpu.features).toEqual(policy && ['vmx', 'svm'].map((name) => ({ name, policy })));
    },
  );

  it('runs on the nodes that the plan selects, and sets nothing if the plan sets nothing', () => {
    const machine = {
      targetNodeSelector: { zone: 'a' },
      targetTolerations: [{ operator: 'Exists' as const }],
      targetAffinity: { podAffinity: {} },
    };
    expect(manifest({ record: { machine } }).spec.template.spec).toMatchObject({
      nodeSelector: { zone: 'a' },
      affinity: { podAffinity: {} },
      tolerations: [{ operator: 'Exists' }],
    });
    const empty = { targetNodeSelector: {}, targetTolerations: [], targetAffinity: {} };
    const { spec } = manifest({ record: { machine: empty } }).spec.template;
    for (const field of ['nodeSelector', 'affinity', 'tolerations']) expect(spec).not.toHaveProperty(field);
  });

  it("keeps a source's sectors on virtio, for SATA has none but of 512 bytes", () => {
    const record = vmRecord({ disks: 1, eachDisk: { sectorBytes: 4096 } });
    const sizes = (capabilities: GuestCapabilities) =>
      parse(virtualMachineManifest(targetVm(record, { capabilities }))).spec.template.spec.domain.devices
        .disks[0].blockSize;
    expect(sizes(virtio)).toEqual({ custom: { logical: 4096, physical: 4096 } });
    expect(sizes(sata)).toBeUndefined();
    const xml = libvirtDomain(targetVm(record, { capabilities: virtio }), ['/out/a.raw']);
    expect(xml).toContain('<blockio logical_block_size="4096" physical_block_size="4096"/>');
  });

  it('names disks and NICs by the templates, the same in each place', () => {
    const machine = { volumeNameTemplate: '{claim}', networkNameTemplate: '{network}-{nic}' };
    const { spec } = manifest({ record: { machine } }).spec.template;
    for (const part of [spec.domain.devices.disks, spec.volumes])
      expect(part).toMatchObject([{ name: 'web-disk-0' }]);
    for (const part of [spec.domain.devices.interfaces, spec.networks])
      expect(part).toMatchObject([{ name: 'pod-0' }]);
  });

  it('has the annotations of the plan, apart from those that Kubernetes or Ledgerlift refuses', () => {
    const annotations = { team: 'shop ä', 'not a key': 'x', 'ledgerlift.io/source-name': 'forged' };
    const { metadata, spec } = manifest({ record: { machine: { annotations } } });
    expect(metadata.annotations).toEqual({
      team: 'shop ä',
      'ledgerlift.io/source-name': 'Web Server',
      'ledgerlift.io/refused-annotations': JSON.stringify({
        'not a key': 'x',
        'ledgerlift.io/source-name': 'forged',
      }),
    });
    expect(spec.template.metadata).not.toHaveProperty('annotations');
  });

  it('is said of the libvirt domain, too', () => {
    const cpu = (machine: NonNullable<NonNullable<RecordOptions['record']>['machine']>) =>
      libvirtDomain(targetVm(vmRecord({ record: { machine } })), ['/out/a.raw']);
    expect(cpu({})).toContain('<cpu mode="host-model">');
    expect(cpu({ cpuModel: 'host-passthrough' })).toContain('<cpu mode="host-passthrough">');
    const named = cpu({ cpuModel: 'Cascadelake-Server', nestedVirtualization: false });
    for (const part of ['<cpu mode="custom">', '<model>Cascadelake-Server</model>'])
      expect(named).toContain(part);
    expect(named).toContain('<feature policy="disable" name="svm"/>');
    expect(cpu({ nestedVirtualization: true })).toContain('<feature policy="optional" name="vmx"/>');
  });
});
