import { createHash } from 'node:crypto';
import type { SourceDisk, SourceVm, VmRecord } from '@ledgerlift/contracts';

/** What the firmware tells the guest of the machine that it runs on: licences and inventories are bound to it. */
export interface MachineIdentity {
  /** SMBIOS system UUID, in lower case; undefined: the target makes its own. */
  readonly uuid: string | undefined;
  /** SMBIOS system serial number; undefined: the target makes its own, or has none. */
  readonly serial: string | undefined;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The source's own, as far as it says them in the form that a target takes. */
export function machineIdentity({ uuid, serial }: Pick<SourceVm, 'uuid' | 'serial'>): MachineIdentity {
  const lower = uuid?.toLowerCase();
  return {
    uuid: lower !== undefined && UUID.test(lower) ? lower : undefined,
    // KubeVirt makes up a serial number where it is given an empty one.
    serial: serial === '' ? undefined : serial,
  };
}

/** KubeVirt's own end of a pod network; it refuses a guest that has it there (v1.8.0, pkg/network/link/mac.go). */
const IN_POD_BRIDGE = '02:00:00:00:00:00';

/**
 * A NIC's address as `00:50:56:aa:bb:cc`, from that form or one with `-`, `.` or nothing in between.
 * @param network that the NIC goes to
 * @returns undefined where it is no address that the target takes, which then makes its own: KubeVirt takes six bytes, libvirt no
 *   multicast address
 */
export function nicAddress(mac: string | undefined, network: 'pod' | 'multus'): string | undefined {
  const digits = mac?.toLowerCase().replaceAll(/[:.-]/g, '') ?? '';
  if (!/^[0-9a-f][02468ace][0-9a-f]{10}$/.test(digits)) return undefined;
  const address = digits.replaceAll(/(..)(?!$)/g, '$1:');
  return network === 'pod' && address === IN_POD_BRIDGE ? undefined : address;
}

/** Bytes that virtio-blk (VIRTIO_BLK_ID_BYTES) and ATA give a serial number; QEMU cuts what is longer. */
const SERIAL_BYTES = 20;

/**
 * The serial number by which the guest finds a disk, such as under `/dev/disk/by-id`: the source's where it has one, else one that
 * is the same whenever it is asked for, and no other disk's. KubeVirt takes letters, digits and `_.+-`.
 */
export function diskSerial(record: VmRecord, { id, serial }: Pick<SourceDisk, 'id' | 'serial'>): string {
  const taken = serial?.replace(/[^A-Za-z0-9_.+-]/g, '').slice(0, SERIAL_BYTES) ?? '';
  if (taken !== '') return taken;
  const whose = JSON.stringify([record.source.provider.id, record.source.vm.id, id]);
  return createHash('sha256').update(whose).digest('hex').slice(0, SERIAL_BYTES);
}
