import type { GuestCapabilities, Inspection } from '@ledgerlift/contracts';
import { describe, expect, it } from '@jest/globals';
import { type RecordOptions, vmRecord as usual } from '@ledgerlift/testing';
import fc from 'fast-check';
import { parse } from 'yaml';
import { RecordMismatch } from '../errors.js';
import { cpuTopology, libvirtDomain, pvcManifest, targetVm, virtualMachineManifest } from './index.js';

/** A VM with two sockets of two cores each, whose name is no name of Kubernetes. */
const vmRecord = (options: RecordOptions = {}) =>
  usual({
    ...options,
    vm: {
      name: 'Web Server',
      cpu: { count: 4, coresPerSocket: 2, affinity: [], hotAdd: false },
      ...options.vm,
    },
  });
const virtio: GuestCapabilities = { diskBus: 'virtio', nicModel: 'virtio', rng: true, balloon: true };
const sata: GuestCapabilities = { diskBus: 'sata', nicModel: 'e1000e', rng: false, balloon: false };
const inspection: Inspection = {
  osName: 'web',
  osProduct: 'Debian',
  osVersion: '12',
  arch: 'x86_64',
  family: 'linux',
  rootDevice: '/dev/sda1',
  firmware: 'bios',
  bootDisk: 0,
};

describe('the devices of the target', () => {
  const devices = (options: RecordOptions, capabilities?: GuestCapabilities) => {
    const vm = targetVm(vmRecord(options), { capabilities });
    return [vm.disks[0]?.bus, vm.nics[0]?.model];
  };

  it('are virtio where the conversion put its drivers in', () =>
    expect(devices({}, virtio)).toEqual(['virtio', 'virtio']));
  it('are SATA and e1000e where the conversion found no virtio drivers', () =>
    expect(devices({}, sata)).toEqual(['sata', 'e1000e']));
  it('are SATA and e1000e for a raw copy in compatibility mode', () =>
    expect(devices({ settings: { skipGuestConversion: true } })).toEqual(['sata', 'e1000e']));
  it('are virtio for a raw copy without compatibility mode, as was asked for', () =>
    expect(devices({ settings: { skipGuestConversion: true, useCompatibilityMode: false } })).toEqual([
      'virtio',
      'virtio',
    ]));
  it('are never virtio because nothing is known', () => {
    expect(devices({})).toEqual(['sata', 'e1000e']);
    expect(devices({ settings: { useCompatibilityMode: false } })).toEqual(['sata', 'e1000e']);
  });
});

describe('the target VM', () => {
  it('boots first from the disk that has the boot loader', () => {
    const vm = targetVm(vmRecord({ disks: 4 }), { inspection: { ...inspection, bootDisk: 2 } });
    expect(vm.disks.map((disk) => disk.bootOrder)).toEqual([2, 3, 1, 4]);
  });

  it('has the firmware that was found in the guest, and secure boot only with UEFI', () => {
    const options = { vm: { firmware: 'efi', secureBoot: true } } as const;
    expect(targetVm(vmRecord(options))).toMatchObject({ firmware: 'efi', secureBoot: true });
    expect(targetVm(vmRecord(options), { inspection })).toMatchObject({
      firmware: 'bios',
      secureBoot: false,
    });
  });

  it.each([
    ['auto', 'on', 'Always'],
    ['auto', 'off', 'Halted'],
    ['auto', 'unknown', 'Halted'],
    ['on', 'off', 'Always'],
    ['off', 'on', 'Halted'],
  ] as const)('asked to be %s, from a source that was %s, is %s', (powerState, sourcePowerState, strategy) =>
    expect(targetVm(vmRecord({ record: { powerState } }), { sourcePowerState }).runStrategy).toBe(strategy),
  );

  it('leaves ignored NICs out and keeps the MACs of the others', () => {
    const nic = vmRecord().source.vm.nics[0];
    if (nic === undefined) throw new Error('the record has a NIC');
    const record = vmRecord({
      vm: { nics: [nic, { ...nic, id: 'nic-1', mac: '00-50-56-AA-BB-01' }] },
      record: {
        nics: [
          { nicId: 'nic-0', network: null },
          { nicId: 'nic-1', network: { type: 'multus', name: 'vlan10', namespace: 'nets' } },
        ],
      },
    });
    expect(targetVm(record).nics).toMatchObject([{ name: 'net-1', mac: '00:50:56:aa:bb:01' }]);
  });

  it('refuses a record with disks that the source does not have', () =>
    expect(() => targetVm(vmRecord({ vm: { disks: [] }, record: { disks: usual().disks } }))).toThrow(
      RecordMismatch,
    ));

  it('has sockets and cores whose product is the number of CPUs, whatever the source says', () => {
    fc.assert(
      fc.property(fc.nat(512), fc.integer({ min: 1, max: 128 }), (count, coresPerSocket) => {
        const { sockets, cores, threads } = cpuTopology({
          count,
          coresPerSocket,
          affinity: [],
          hotAdd: false,
        });
        expect(sockets * cores * threads).toBe(Math.max(1, count));
        expect([sockets, cores, threads].every((n) => Number.isInteger(n) && n > 0)).toBe(true);
      }),
    );
  });
});

describe('the manifest of the VirtualMachine', () => {
  const manifest = (options: RecordOptions = {}) =>
    parse(virtualMachineManifest(targetVm(vmRecord(options), { capabilities: virtio })), { version: '1.1' });

  const usualTimer = {
    hpet: { present: false },
    pit: { tickPolicy: 'delay' },
    rtc: { tickPolicy: 'catchup' },
  };

  it('is what KubeVirt takes', () => {
    const serial = (index: number) => targetVm(vmRecord({ disks: 2 })).disks[index]?.serial;
    const labels = {
      tier: 'front',
      'app.kubernetes.io/managed-by': 'ledgerlift',
      'ledgerlift.io/installation': 'lab',
      'ledgerlift.io/migration': 'm1',
      'ledgerlift.io/plan': 'first-wave',
      'ledgerlift.io/vm': '0',
    };
    expect(manifest({ disks: 2, record: { labels: { tier: 'front' } } })).toEqual({
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachine',
      metadata: {
        name: 'web',
        namespace: 'default',
        labels,
        annotations: { 'ledgerlift.io/source-name': 'Web Server' },
      },
      spec: {
        runStrategy: 'Halted',
        template: {
          metadata: { labels: { ...labels, 'vm.kubevirt.io/name': 'web' } },
          spec: {
            domain: {
              cpu: { sockets: 2, cores: 2, threads: 1 },
              memory: { guest: '1024Mi' },
              machine: { type: 'q35' },
              clock: { utc: {}, timer: usualTimer },
              features: { acpi: {} },
              firmware: { bootloader: { bios: {} } },
              devices: {
                disks: [
                  { name: 'disk-0', bootOrder: 1, serial: serial(0), disk: { bus: 'virtio' } },
                  { name: 'disk-1', bootOrder: 2, serial: serial(1), disk: { bus: 'virtio' } },
                ],
                inputs: [{ name: 'tablet', type: 'tablet', bus: 'usb' }],
                interfaces: [
                  { name: 'net-0', model: 'virtio', macAddress: '00:50:56:aa:bb:cc', masquerade: {} },
                ],
                autoattachPodInterface: false,
                autoattachMemBalloon: true,
                rng: {},
              },
            },
            networks: [{ name: 'net-0', pod: {} }],
            volumes: [
              { name: 'disk-0', persistentVolumeClaim: { claimName: 'web-disk-0' } },
              { name: 'disk-1', persistentVolumeClaim: { claimName: 'web-disk-1' } },
            ],
          },
        },
      },
    });
  });

  it('tells a Windows guest that it is one, and that its clock may be trusted', () => {
    const os = {
      id: 'windows2019srv_64Guest',
      description: 'Windows Server 2019',
      family: 'windows',
    } as const;
    const { domain } = manifest({ vm: { os } }).spec.template.spec;
    expect(domain.clock.timer).toEqual({ ...usualTimer, hyperv: { present: true } });
    expect(domain.features).toMatchObject({
      apic: {},
      hyperv: { relaxed: {}, vpindex: {}, synic: {}, synictimer: { direct: {} } },
    });
    // What was found in the guest is surer than what the source says.
    const found = targetVm(vmRecord({ vm: { os } }), { inspection });
    expect(virtualMachineManifest(found)).not.toContain('hyperv');
  });

  it('has the identity that the guest had', () => {
    const [uuid, serial] = ['423EFD65-a73d-e159-a56d-dd25289f8b0c', 'VMware-42 3e fd 65-a5 6d'];
    const { domain } = manifest({ vm: { uuid, serial } }).spec.template.spec;
    expect(domain.firmware).toEqual({ uuid: uuid.toLowerCase(), serial, bootloader: { bios: {} } });
    expect(manifest({ vm: { uuid: 'none', serial: '' } }).spec.template.spec.domain.firmware).toEqual({
      bootloader: { bios: {} },
    });
  });

  it('gives secure boot its SMM, and a TPM', () => {
    const { domain } = manifest({ vm: { firmware: 'efi', secureBoot: true, tpm: true } }).spec.template.spec;
    expect(domain.features).toEqual({ acpi: {}, smm: { enabled: true } });
    expect(domain.firmware).toEqual({ bootloader: { efi: { secureBoot: true, persistent: true } } });
    expect(domain.devices.tpm).toEqual({ persistent: true });
  });

  it('binds a multus network as a bridge, and a virtual function as SR-IOV', () => {
    const network = { type: 'multus', name: 'vlan10', namespace: 'nets' } as const;
    const nic = vmRecord().source.vm.nics[0];
    if (nic === undefined) throw new Error('the record has a NIC');
    const { spec } = manifest({
      vm: { nics: [nic, { ...nic, id: 'nic-1', kind: 'sriov' }] },
      record: {
        nics: [
          { nicId: 'nic-0', network },
          { nicId: 'nic-1', mac: '52:54:00:12:34:56', network: { type: 'multus', name: 'fast' } },
        ],
      },
    }).spec.template;
    expect(spec.domain.devices.interfaces).toEqual([
      { name: 'net-0', model: 'virtio', macAddress: '00:50:56:aa:bb:cc', bridge: {} },
      // A sexagesimal number in YAML 1.1, unless it is quoted.
      { name: 'net-1', macAddress: '52:54:00:12:34:56', sriov: {} },
    ]);
    expect(spec.networks).toEqual([
      { name: 'net-0', multus: { networkName: 'nets/vlan10' } },
      { name: 'net-1', multus: { networkName: 'fast' } },
    ]);
  });

  it('has neither interfaces nor networks for a VM without NICs', () => {
    const { spec } = manifest({ vm: { nics: [] } }).spec.template;
    expect(spec).not.toHaveProperty('networks');
    expect(spec.domain.devices).not.toHaveProperty('interfaces');
    expect(spec.domain.devices.autoattachPodInterface).toBe(false);
  });

  it('keeps labels that Kubernetes or KubeVirt would refuse in an annotation', () => {
    const labels = {
      ...{ ok: 'on', 'example.com/x': '012', 'kubevirt.io/size': 'small' },
      ...{ 'not ok': 'a', bad: 'with space', 'kubevirt.io/nodeName': 'node-1' },
    };
    const { metadata, spec } = manifest({ record: { labels } });
    for (const kept of [metadata.labels, spec.template.metadata.labels]) {
      expect(kept).toMatchObject({ ok: 'on', 'example.com/x': '012', 'kubevirt.io/size': 'small' });
      expect(kept).not.toHaveProperty(['kubevirt.io/nodeName']);
    }
    expect(JSON.parse(metadata.annotations['ledgerlift.io/refused-labels'])).toEqual({
      'not ok': 'a',
      bad: 'with space',
      'kubevirt.io/nodeName': 'node-1',
    });
  });
});

describe('the manifest of a claim', () => {
  const claim = (volumeMode: 'Filesystem' | 'Block') => {
    const disk = vmRecord().disks[0];
    if (disk === undefined) throw new Error('the record has a disk');
    const vm = targetVm(vmRecord({ record: { disks: [{ ...disk, volumeMode }] } }));
    const [first] = vm.disks;
    if (first === undefined) throw new Error('the model has a disk');
    return parse(pvcManifest(vm, first), { version: '1.1' });
  };

  it('has room for the file system of a Filesystem volume, and says so', () => {
    expect(claim('Filesystem')).toMatchObject({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: 'web-disk-0',
        namespace: 'default',
        annotations: {
          'ledgerlift.io/disk-file': 'default/web/web-disk-0.raw',
          'ledgerlift.io/disk-bytes': '1073741824',
          'ledgerlift.io/filesystem-overhead': '0.06',
        },
      },
      spec: {
        accessModes: ['ReadWriteOnce'],
        volumeMode: 'Filesystem',
        storageClassName: 'default',
        resources: { requests: { storage: '1090Mi' } },
      },
    });
  });

  it('has the size of the disk on a Block volume', () =>
    expect(claim('Block').spec.resources.requests.storage).toBe('1024Mi'));
});

describe('names from hostile sources', () => {
  it('come back from the manifests unchanged and break nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.constantFrom('yes', '012', '1:30', '---\nx: y', '# c', '{{a}}'),
        ),
        fc.string(),
        (name, value) => {
          const sourceName = name.toWellFormed();
          const record = vmRecord({ vm: { name: sourceName }, record: { labels: { key: value } } });
          const text = virtualMachineManifest(targetVm(record));
          for (const version of ['1.1', '1.2'] as const) {
            const { metadata } = parse(text, { version });
            expect(metadata.annotations['ledgerlift.io/source-name']).toBe(sourceName);
            const refused = JSON.parse(metadata.annotations['ledgerlift.io/refused-labels'] ?? '{}');
            expect(metadata.labels.key ?? refused.key).toBe(value);
          }
        },
      ),
    );
  });

  it('are cut where Kubernetes would refuse the annotation', () => {
    const text = virtualMachineManifest(targetVm(vmRecord({ vm: { name: 'n'.repeat(300_000) } })));
    const { annotations } = parse(text, { version: '1.1' }).metadata;
    expect(annotations['ledgerlift.io/source-name']).toBe('n'.repeat(1024));
  });

  it('are escaped in XML', () => {
    const name = `"><script>&'\u0000\u001f]]>`;
    const record = vmRecord({ vm: { name } });
    const xml = libvirtDomain(targetVm(record), [`/out/a&b's "c"<d>.raw`]);
    expect(xml).toContain('<title>&quot;&gt;&lt;script&gt;&amp;&apos;\ufffd\ufffd]]&gt;</title>');
    expect(xml).toContain('<source file="/out/a&amp;b&apos;s &quot;c&quot;&lt;d&gt;.raw"/>');
  });
});

describe('the libvirt domain', () => {
  it('has the devices of the model', () => {
    const windows = {
      os: { id: 'windows9_64Guest', description: 'Windows 10', family: 'windows' },
      uuid: '423efd65-a73d-e159-a56d-dd25289f8b0c',
      serial: 'VMware-42 3e',
    } as const;
    const record = vmRecord({ disks: 2, vm: { ...windows, firmware: 'efi', secureBoot: true, tpm: true } });
    const xml = libvirtDomain(targetVm(record, { capabilities: virtio }), ['/out/a.raw', '/out/b.raw']);
    for (const expected of [
      '<name>web</name>',
      '<uuid>423efd65-a73d-e159-a56d-dd25289f8b0c</uuid>',
      '<entry name="serial">VMware-42 3e</entry>',
      '<smbios mode="sysinfo"/>',
      '<clock offset="localtime">',
      '<stimer state="on">',
      '<memory unit="KiB">1048576</memory>',
      '<vcpu>4</vcpu>',
      '<topology sockets="2" cores="2" threads="1"/>',
      '<os firmware="efi">',
      '<feature enabled="yes" name="secure-boot"/>',
      '<smm state="on"/>',
      '<driver name="qemu" type="raw"/>',
      '<source file="/out/b.raw"/>',
      '<target dev="vdb" bus="virtio"/>',
      '<boot order="2"/>',
      '<mac address="00:50:56:aa:bb:cc"/>',
      '<model type="virtio"/>',
      '<tpm model="tpm-crb">',
      '<memballoon model="virtio"/>',
    ])
      expect(xml).toContain(expected);
  });
});
