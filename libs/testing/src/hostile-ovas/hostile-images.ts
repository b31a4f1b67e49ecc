import { bytes, DISK, DISK_BYTES, OVF, type Recipe } from './honest-parts.js';

const SECTOR = 512;

const recipe = (name: string, why: string, code: string, make: Recipe['make']): Recipe => ({
  name,
  why,
  outcome: 'refused',
  code,
  make,
});

/** The honest OVA with a disk that is declared as `format`. */
const withImage =
  (format: 'vmdk' | 'qcow2' | 'raw' | 'vhd', image: (vmdk: Buffer) => Buffer): Recipe['make'] =>
  ({ ovf, vmdk }) => [
    bytes(OVF, ovf.replace(/ovf:format="[^"]*"/, `ovf:format="http://example.test/${format}.html"`)),
    bytes(DISK, image(vmdk)),
  ];

interface Qcow2Lie {
  readonly backing?: string;
  readonly features?: bigint;
  readonly version?: number;
}

/** A header of version 3 (QEMU's docs/interop/qcow2.txt), then zeros. */
function qcow2({ backing, features = 0n, version = 3 }: Qcow2Lie): Buffer {
  const image = Buffer.alloc(4 * 64 * 1024);
  image.write('QFI\u00fb', 'latin1');
  image.writeUInt32BE(version, 4);
  if (backing !== undefined) {
    image.writeBigUInt64BE(512n, 8);
    image.writeUInt32BE(backing.length, 16);
    image.write(backing, 512, 'latin1');
  }
  image.writeUInt32BE(16, 20);
  image.writeBigUInt64BE(BigInt(DISK_BYTES), 24);
  image.writeBigUInt64BE(features, 72);
  image.writeUInt32BE(4, 96);
  image.writeUInt32BE(104, 100);
  return image;
}

/** The honest VMDK with other words in its descriptor, which ends with zeros. */
const descriptor =
  (change: (text: string) => string) =>
  (vmdk: Buffer): Buffer => {
    const image = Buffer.from(vmdk);
    const end = image.indexOf(0, SECTOR);
    const changed = change(image.toString('latin1', SECTOR, end));
    image.write(changed, SECTOR, 'latin1');
    return image;
  };

function noCapacity(vmdk: Buffer): Buffer {
  const image = descriptor((text) => text.replace(/^RW .*$/m, 'RW 512 FLAT "/etc/passwd" 0'))(vmdk);
  image.writeBigUInt64LE(0n, 12);
  return image;
}

function differencingVhd(): Buffer {
  const image = Buffer.alloc(DISK_BYTES);
  for (const at of [0, DISK_BYTES - SECTOR]) {
    image.write('conectix', at, 'latin1');
    image.writeUInt32BE(4, at + 60);
  }
  return image;
}

/** Images that lead out of the package: whoever opens one opens a file of the host, or a connection from it. */
export const hostileImages: readonly Recipe[] = [
  recipe(
    'qcow2-over-host-file',
    'a qcow2 over a file of the host',
    'LL-OVA-013',
    withImage('qcow2', () => qcow2({ backing: '/etc/passwd' })),
  ),
  recipe(
    'qcow2-over-server',
    'a qcow2 over a server',
    'LL-OVA-013',
    withImage('qcow2', () => qcow2({ backing: 'nbd://127.0.0.1:9' })),
  ),
  recipe(
    'qcow2-external-data',
    'a qcow2 whose data is a file of the host',
    'LL-OVA-014',
    withImage('qcow2', () => qcow2({ features: 4n })),
  ),
  recipe(
    'qcow2-unknown-feature',
    'a qcow2 with a feature that nobody knows',
    'LL-OVA-015',
    withImage('qcow2', () => qcow2({ features: 1n << 40n })),
  ),
  recipe(
    'qcow2-version',
    'a qcow2 of a version that nobody knows',
    'LL-OVA-015',
    withImage('qcow2', () => qcow2({ version: 9 })),
  ),
  recipe(
    'vmdk-parent-hint',
    'a sparse VMDK over a file of the host',
    'LL-OVA-016',
    withImage(
      'vmdk',
      descriptor((text) => text.replace(/\n$/, '\nparentFileNameHint="/etc/passwd"\n')),
    ),
  ),
  recipe(
    'vmdk-parent-cid',
    'a sparse VMDK that is a delta',
    'LL-OVA-016',
    withImage(
      'vmdk',
      descriptor((text) => text.replace('parentCID=ffffffff', 'parentCID=12345678')),
    ),
  ),
  recipe(
    'vmdk-cowd',
    "a VMDK of an ESXi host's snapshot",
    'LL-OVA-016',
    withImage('vmdk', () => Buffer.from(`COWD${'\0'.repeat(4096)}`, 'latin1')),
  ),
  recipe(
    'vmdk-no-capacity',
    'a sparse VMDK without capacity, which readers take as a bare descriptor',
    'LL-OVA-017',
    withImage('vmdk', noCapacity),
  ),
  recipe(
    'vmdk-flat-extent',
    'a sparse VMDK with an extent that is a file of the host',
    'LL-OVA-017',
    withImage(
      'vmdk',
      descriptor((text) => text.replace(/^RW .*$/m, 'RW 512 FLAT "/etc/passwd" 0')),
    ),
  ),
  recipe('vhd-differencing', 'a VHD over another file', 'LL-OVA-016', withImage('vhd', differencingVhd)),
  recipe(
    'vmdk-is-qcow2',
    'a qcow2 that is declared as VMDK',
    'LL-OVA-018',
    withImage('vmdk', () => qcow2({})),
  ),
  recipe(
    'qcow2-is-vmdk',
    'a VMDK that is declared as qcow2',
    'LL-OVA-018',
    withImage('qcow2', (vmdk) => vmdk),
  ),
  recipe(
    'raw-is-qcow2',
    'a qcow2 over a file of the host that is declared as raw',
    'LL-OVA-018',
    withImage('raw', () => qcow2({ backing: '/etc/passwd' })),
  ),
];
