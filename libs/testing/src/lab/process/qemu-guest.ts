import type { LabVmRecord } from '../wire.js';

/** Arguments of a machine with VMware's devices, stopped, its disks to be plugged before it runs. */
export function guestArguments(record: LabVmRecord): readonly string[] {
  const mebibytes = Math.ceil(record.memoryBytes / (1024 * 1024));
  return [
    '-accel',
    'tcg',
    '-cpu',
    'max',
    '-smp',
    String(record.cpus),
    '-m',
    String(mebibytes),
    '-nodefaults',
    '-display',
    'none',
    '-S',
    '-no-shutdown',
    '-device',
    'pvscsi,id=scsi0',
  ];
}
