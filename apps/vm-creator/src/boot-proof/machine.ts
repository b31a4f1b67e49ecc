import type { TargetVm, TargetVmDisk } from '@ledgerlift/targets';

export interface BootHost {
  readonly accelerator: 'kvm' | 'tcg';
  readonly cpus: number;
  readonly memoryMiB: number;
  /** UEFI guests only. */
  readonly firmware?: { readonly code: string; readonly vars: string };
}

/** Ports of the AHCI controller that q35 has, and of each further one. */
const AHCI_PORTS = 6;

/**
 * QEMU's arguments for the target VM, as KubeVirt would start it: machine, firmware, buses and NICs of the model,
 * in its boot order. Disks are read and never written, what the guest writes goes into a nameless temporary file;
 * NICs are there, but reach nothing; the serial console is on stdout.
 *
 * @param diskPaths absolute paths, in the model's order
 */
export function qemuArguments(vm: TargetVm, diskPaths: readonly string[], host: BootHost): string[] {
  const isSecure = vm.secureBoot && host.firmware !== undefined;
  return [
    ...['-nodefaults', '-display', 'none', '-monitor', 'none'],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    // Without graphics the BIOS and the boot loader speak on the serial port too.
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
    // The variables are written by the firmware: into a temporary file, as with the disks.
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

/** In QEMU's options a comma ends a value unless it is doubled. */
const option = (value: string): string => value.replaceAll(',', ',,');
