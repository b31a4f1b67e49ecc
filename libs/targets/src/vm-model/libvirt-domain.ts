import { type XmlElement, element, toXml } from '@ledgerlift/xml';
import { deviceName } from './source-domain.js';
import type { TargetVm, TargetVmNic } from './target-vm.js';

/**
 * Renders the target VM as a libvirt domain, for `virsh define` on a machine with access to the disk files.
 * https://libvirt.org/formatdomain.html
 *
 * @param diskPaths absolute paths of the disks, in the model's order
 */
export function libvirtDomain(vm: TargetVm, diskPaths: readonly string[]): string {
  const { sockets, cores, threads } = vm.cpu;
  const { installation, migration } = vm.origin;
  return toXml(
    element('domain', { type: 'kvm' }, [
      element('name', {}, vm.name),
      ...(vm.identity.uuid === undefined ? [] : [element('uuid', {}, vm.identity.uuid)]),
      element('title', {}, vm.origin.sourceName.replace(/[\r\n]+/g, ' ')),
      element(
        'description',
        {},
        `Migrated by Ledgerlift (installation ${installation}, migration ${migration}).`,
      ),
      element('memory', { unit: 'KiB' }, String(Math.ceil(vm.memoryBytes / 1024))),
      element('vcpu', {}, String(sockets * cores * threads)),
      ...sysinfoOf(vm),
      osOf(vm),
      element('features', {}, [
        element('acpi'),
        element('apic'),
        ...(vm.family === 'windows' ? [hyperv] : []),
        ...(vm.secureBoot ? [element('smm', { state: 'on' })] : []),
      ]),
      cpuOf(vm),
      clockOf(vm),
      element('devices', {}, [
        ...disksOf(vm, diskPaths),
        ...vm.nics.map(interfaceOf),
        element('input', { type: 'tablet', bus: 'usb' }),
        element('serial', { type: 'pty' }, [element('target', { port: '0' })]),
        element('console', { type: 'pty' }, [element('target', { type: 'serial', port: '0' })]),
        element('graphics', { type: 'vnc', autoport: 'yes', listen: '127.0.0.1' }),
        element('video', {}, [element('model', { type: 'vga' })]),
        ...(vm.tpm ? [tpm] : []),
        ...(vm.rng ? [rng] : []),
        element('memballoon', { model: vm.balloon ? 'virtio' : 'none' }),
      ]),
    ]),
  );
}

function cpuOf({ cpu, cpuModel = 'host-model', nestedVirtualization }: TargetVm): XmlElement {
  const isMode = cpuModel === 'host-model' || cpuModel === 'host-passthrough';
  const policy = nestedVirtualization === true ? 'optional' : 'disable';
  return element('cpu', { mode: isMode ? cpuModel : 'custom' }, [
    ...(isMode ? [] : [element('model', {}, cpuModel)]),
    element('topology', {
      sockets: String(cpu.sockets),
      cores: String(cpu.cores),
      threads: String(cpu.threads),
    }),
    ...(nestedVirtualization === undefined
      ? []
      : ['vmx', 'svm'].map((name) => element('feature', { policy, name }))),
  ]);
}

const tpm = element('tpm', { model: 'tpm-crb' }, [element('backend', { type: 'emulator', version: '2.0' })]);
const rng = element('rng', { model: 'virtio' }, [element('backend', { model: 'random' }, '/dev/urandom')]);

const hyperv = element('hyperv', { mode: 'custom' }, [
  ...['relaxed', 'vapic', 'vpindex', 'runtime', 'synic'].map((name) => element(name, { state: 'on' })),
  element('spinlocks', { state: 'on', retries: '8191' }),
  element('stimer', { state: 'on' }, [element('direct', { state: 'on' })]),
  ...['reset', 'frequencies', 'reenlightenment', 'tlbflush', 'ipi'].map((name) =>
    element(name, { state: 'on' }),
  ),
]);

/** Windows expects the hardware clock in local time. */
const clockOf = ({ family }: TargetVm): XmlElement =>
  element('clock', { offset: family === 'windows' ? 'localtime' : 'utc' }, [
    element('timer', { name: 'rtc', tickpolicy: 'catchup' }),
    element('timer', { name: 'pit', tickpolicy: 'delay' }),
    element('timer', { name: 'hpet', present: 'no' }),
    ...(family === 'windows' ? [element('timer', { name: 'hypervclock', present: 'yes' })] : []),
  ]);

function sysinfoOf({ identity: { uuid, serial } }: TargetVm): XmlElement[] {
  if (serial === undefined) return [];
  const entries = [
    element('entry', { name: 'serial' }, serial),
    ...(uuid === undefined ? [] : [element('entry', { name: 'uuid' }, uuid)]),
  ];
  return [element('sysinfo', { type: 'smbios' }, [element('system', {}, entries)])];
}

function osOf({ firmware, secureBoot, identity }: TargetVm): XmlElement {
  const smbios = identity.serial === undefined ? [] : [element('smbios', { mode: 'sysinfo' })];
  const type = element('type', { arch: 'x86_64', machine: 'q35' }, 'hvm');
  if (firmware === 'bios') return element('os', {}, [type, ...smbios]);
  const enabled = secureBoot ? 'yes' : 'no';
  return element('os', { firmware: 'efi' }, [
    type,
    element('firmware', {}, [
      element('feature', { enabled, name: 'enrolled-keys' }),
      element('feature', { enabled, name: 'secure-boot' }),
    ]),
    element('loader', { secure: enabled }),
    ...smbios,
  ]);
}

function disksOf(vm: TargetVm, paths: readonly string[]): XmlElement[] {
  return vm.disks.map((disk, index) =>
    element('disk', { type: 'file', device: 'disk' }, [
      element('driver', { name: 'qemu', type: disk.format }),
      element('source', { file: paths[index] ?? disk.file }),
      element('target', { dev: deviceName(index, disk.bus === 'virtio' ? 'vd' : 'sd'), bus: disk.bus }),
      element('boot', { order: String(disk.bootOrder) }),
      element('serial', {}, disk.serial),
      ...(disk.sectorBytes === 512 ? [] : [blockSize(String(disk.sectorBytes))]),
    ]),
  );
}

const blockSize = (bytes: string): XmlElement =>
  element('blockio', { logical_block_size: bytes, physical_block_size: bytes });

function interfaceOf({ mac, model, network }: TargetVmNic): XmlElement {
  return element('interface', { type: 'network' }, [
    ...(mac === undefined ? [] : [element('mac', { address: mac })]),
    element('source', { network: network.type === 'pod' ? 'default' : network.name }),
    element('model', { type: model }),
  ]);
}
