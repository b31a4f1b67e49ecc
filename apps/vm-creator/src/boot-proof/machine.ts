import type { TargetVm, TargetVmDisk } from '@ledgerlift/targets';

export interface BootHost {
  readonly accelerator: 'kvm' | 'tcg';
  readonly cpus: number;
  readonly memoryMiB: number;
  /** UEFI guests only. */
  readonly firmware?: { readonly code: string; readonly vars: string };
}

/** Ports of q35's AHCI controller, and of each additional one. */
const AHCI_PORTS = 6;

/**
 * QEMU's arguments for the target VM as KubeVirt would start it: machine, firmware, buses, NICs and boot order of the
 * model. Disks are only read, and the guest's writes go into an unnamed temporary file; NICs exist but are not
 * connected; the serial console is on stdout.
 *
 * @param diskPaths absolute paths, in the model's order
 */
export function qemuArguments(vm: TargetVm, diskPaths: readonly string[], host: BootHost): string[] {
  const isSecure = vm.secureBoot && host.firmware !== undefined;
  return [
    ...['-nodefaults', '-display', 'none', '-monitor', 'none'],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    // Without graphics, the BIOS and the boot loader also use the serial port.
    ...['-machine', `q35,graphics=off,smm=${isSecure ? 'on' : 'auto'}`],
    ...['-accel', host.accelerator === 'kvm' ? 'kvm' : 'tcg,thread=multi'],
    ...['-cpu', host.accelerator === 'kvm' ? 'host' : 'max'],
    ...['-smp', String(host.cpus), '-m', String(host.memoryMiB)],
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...(isSecure ? ['-global', 'driver=cfi.pflash01,property=secure,value=on'] : []),
    ...(host.firmware === undefined ? [] : firmwareArguments(host.firmware)),
    ...controllersFor(vm.disks),
    ...vm.disks.flatMap((disk, index) => diskArguments(disk, index, diskPaths[index] ?? disk.file)),
    ...vm.nics.flatMap(({ name, model, mac }) => [
      ...['-netdev', `user,id=${name},restrict=on`],
      '-device',
      `${model === 'virtio' ? 'virtio-net-pci-non-transitional' : 'e1000e'},netdev=${name},romfile=` +
        (mac === undefined ? '' : `,mac=${mac}`),
    ]),
    ...(vm.rng
      ? [
          ...['-object', 'rng-random,id=rng0,filename=/dev/urandom'],
          ...['-device', 'virtio-rng-pci-non-transitional,rng=rng0'],
        ]
      : []),
    ...(vm.balloon ? ['-device', 'virtio-balloon-pci-non-transitional'] : []),
  ];
}

function firmwareArguments({ code, vars }: NonNullable<BootHost['firmware']>): string[] {
  return [
    ...['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${option(code)}`],
    // The firmware writes its variables into a temporary file, like the disks.
    ...['-drive', `if=pflash,unit=1,format=raw,snapshot=on,file=${option(vars)}`],
  ];
}

function controllersFor(disks: readonly TargetVmDisk[]): string[] {
  const sata = disks.filter((disk) => disk.bus === 'sata').length;
  const further = Math.max(0, Math.ceil(sata / AHCI_PORTS) - 1);
  return Array.from({ length: further }, (_, index) => ['-device', `ahci,id=ahci${index + 1}`]).flat();
}

function diskArguments(disk: TargetVmDisk, index: number, path: string): string[] {
  const controller = Math.floor(index / AHCI_PORTS);
  const port = `${controller === 0 ? 'ide' : `ahci${controller}`}.${index % AHCI_PORTS}`;
  const device = disk.bus === 'virtio' ? 'virtio-blk-pci-non-transitional' : `ide-hd,bus=${port}`;
  return [
    '-drive',
    `if=none,id=${disk.name},format=${disk.format},snapshot=on,cache=unsafe,file=${option(path)}`,
    '-device',
    `${device},drive=${disk.name},bootindex=${disk.bootOrder}`,
  ];
}

/** Doubles commas, because a single comma ends a value in QEMU's options. */
const option = (value: string): string => value.replaceAll(',', ',,');
