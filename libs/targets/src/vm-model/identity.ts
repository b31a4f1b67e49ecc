import { createHash } from 'node:crypto';
import type { SourceDisk, SourceVm, VmRecord } from '@ledgerlift/contracts';

/** The machine identity that firmware shows to the guest. Licences and inventories depend on it. */
export interface MachineIdentity {
  /** SMBIOS system UUID in lower case; undefined lets the target choose one. */
  readonly uuid: string | undefined;
  /** SMBIOS system serial number; undefined lets the target choose one or none. */
  readonly serial: string | undefined;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Returns the source's identity, without values that a target would not accept. */
export function machineIdentity({ uuid, serial }: Pick<SourceVm, 'uuid' | 'serial'>): MachineIdentity {
  const lower = uuid?.toLowerCase();
  return {
    uuid: lower !== undefined && UUID.test(lower) ? lower : undefined,
    // KubeVirt invents a serial number if it gets an empty one.
    serial: serial === '' ? undefined : serial,
  };
}

/** Address of KubeVirt's end of a pod network, which a guest there must not use (v1.8.0, pkg/network/link/mac.go). */
const IN_POD_BRIDGE = '02:00:00:00:00:00';

/**
 * Normalizes a NIC's address to `00:50:56:aa:bb:cc`, from that form or one with `-`, `.` or no separators.
 * @param network the NIC's target network
 * @returns undefined if the target would refuse the address, so that it chooses its own: KubeVirt requires six bytes, libvirt refuses
 *   multicast addresses
 */
export function nicAddress(mac: string | undefined, network: 'pod' | 'multus'): string | undefined {
  const digits = mac?.toLowerCase().replaceAll(/[:.-]/g, '') ?? '';
  if (!/^[0-9a-f][02468ace][0-9a-f]{10}$/.test(digits)) return undefined;
  const address = digits.replaceAll(/(..)(?!$)/g, '$1:');
  return network === 'pod' && address === IN_POD_BRIDGE ? undefined : address;
}

/** Length of a serial number in virtio-blk (VIRTIO_BLK_ID_BYTES) and ATA; QEMU truncates longer ones. */
const SERIAL_BYTES = 20;

/**
 * Returns the serial number by which the guest finds a disk, such as under `/dev/disk/by-id`: the source's, or else a stable, unique
 * one. KubeVirt accepts letters, digits and `_.+-`.
 */
export function diskSerial(record: VmRecord, { id, serial }: Pick<SourceDisk, 'id' | 'serial'>): string {
  const taken = serial?.replace(/[^A-Za-z0-9_.+-]/g, '').slice(0, SERIAL_BYTES) ?? '';
  if (taken !== '') return taken;
  const whose = JSON.stringify([record.source.provider.id, record.source.vm.id, id]);
  return createHash('sha256').update(whose).digest('hex').slice(0, SERIAL_BYTES);
}
