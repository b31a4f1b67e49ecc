import { gzipSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import {
  bytes,
  DISK,
  DISK_BYTES,
  type HonestParts,
  MANIFEST,
  OVF,
  type Recipe,
  withDisk,
} from './honest-parts.js';
import { tarBytes } from '../ova/index.js';

const SECTOR = 512;

const recipe = (name: string, why: string, make: Recipe['make']): Recipe => ({
  name,
  why,
  outcome: 'refused',
  make,
});
const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');

const withManifest = (lines: (parts: HonestParts) => string): Recipe['make'] => {
  return (parts) => [bytes(OVF, parts.ovf), bytes(MANIFEST, lines(parts)), bytes(DISK, parts.vmdk)];
};
const honestTar = ({ ovf, vmdk }: HonestParts): Buffer => tarBytes([bytes(OVF, ovf), bytes(DISK, vmdk)]);
/** Headers of GNU long names, each with a name of 1 KiB. */
function longNames(count: number): Buffer {
  const one = tarBytes([bytes('name', Buffer.alloc(1024, 0x61))]).subarray(0, SECTOR + 1024);
  one.write('L', 156, 'latin1');
  one.fill(0x20, 148, 156);
  const sum = one.subarray(0, SECTOR).reduce((total, byte) => total + byte, 0);
  one.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat(Array.from({ length: count }, () => one));
}

const patchedTar = (patch: (tar: Buffer) => void): Recipe['make'] => {
  return (parts) => {
    const tar = honestTar(parts);
    patch(tar);
    return tar;
  };
};
const descriptor = (extent: string, more = '') =>
  withDisk(() =>
    Buffer.from(
      '# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="monolithicFlat"\n' +
        `${more}RW ${DISK_BYTES / SECTOR} ${extent}\nddb.adapterType = "lsilogic"\n`,
    ),
  );
// The content is made when its OVA is: the bomb takes seconds, and every spec imports this file.
const compressedReference = (attributes: string, content: () => Buffer, name = DISK): Recipe['make'] => {
  return ({ ovf }) => [
    bytes(OVF, ovf.replace(`ovf:href="${DISK}"`, `ovf:href="${DISK}" ${attributes}`)),
    bytes(name, content()),
  ];
};

/** Tars, manifests and disk files that lie. */
export const hostilePackages: readonly Recipe[] = [
  recipe('empty-file', 'an OVA of no bytes', () => Buffer.alloc(0)),
  recipe('zeros', 'an OVA of zeros alone', () => Buffer.alloc(1024 * 1024)),
  recipe('one-byte', 'an OVA of one byte', () => Buffer.from('x')),
  recipe('gzipped-tar', 'a tar under gzip, named as if it were none', (parts) => gzipSync(honestTar(parts))),
  recipe('long-name-headers', 'a tar that begins with thousands of long names', (parts) =>
    Buffer.concat([longNames(4000), honestTar(parts)]),
  ),
  recipe('no-ovf', 'a tar without an OVF', ({ vmdk }) => [bytes(DISK, vmdk)]),
  recipe('two-ovfs', 'a tar with two OVFs', ({ ovf, vmdk }) => [
    bytes(OVF, ovf),
    bytes('b.ovf', ovf),
    bytes(DISK, vmdk),
  ]),
  recipe('disk-twice', 'a tar with two files of one name', ({ ovf, vmdk }) => [
    bytes(OVF, ovf),
    bytes(DISK, vmdk),
    bytes(DISK, Buffer.alloc(vmdk.length, 1)),
  ]),
  recipe('disk-is-symlink', 'a disk that links to a file of the host', ({ ovf }) => [
    bytes(OVF, ovf),
    { name: DISK, link: '/etc/passwd', kind: 'symlink' },
  ]),
  recipe('disk-is-hardlink', 'a disk that is a hard link out of the package', ({ ovf }) => [
    bytes(OVF, ovf),
    { name: DISK, link: '../../etc/passwd', kind: 'hardlink' },
  ]),
  recipe('ovf-is-symlink', 'an OVF that links to a file of the host', ({ vmdk }) => [
    { name: OVF, link: '/etc/passwd', kind: 'symlink' },
    bytes(DISK, vmdk),
  ]),
  recipe('cut-in-disk', 'a tar that ends within the disk', (parts) => {
    const tar = honestTar(parts);
    return tar.subarray(0, tar.length - 2 * SECTOR - Math.floor(parts.vmdk.length / 2));
  }),
  recipe('cut-in-header', 'a tar that ends within a header', (parts) =>
    honestTar(parts).subarray(0, 2 * SECTOR + Math.ceil(parts.ovf.length / SECTOR) * SECTOR - SECTOR + 100),
  ),
  recipe('size-beyond-end', 'a header that claims a tebibyte', ({ ovf }) => [
    bytes(OVF, ovf),
    { name: DISK, claimedSize: 2 ** 40 },
  ]),
  recipe(
    'size-negative',
    'a header with a negative size in base 256',
    patchedTar((tar) => tar.fill(0xff, 124, 136)),
  ),
  recipe(
    'size-words',
    'a header whose size is no number',
    patchedTar((tar) => tar.write('plenty12345\0', 124)),
  ),
  recipe(
    'checksum',
    'a header whose sum is wrong',
    patchedTar((tar) => tar.write('0000000\0', 148)),
  ),
  recipe(
    'digest-wrong',
    'a disk that is not the one of the manifest',
    withManifest(({ ovf }) => `SHA256(${OVF})= ${sha256(ovf)}\nSHA256(${DISK})= ${'0'.repeat(64)}\n`),
  ),
  recipe(
    'digest-of-ovf-wrong',
    'an OVF that was changed after the manifest was made',
    withManifest(({ vmdk }) => `SHA256(${OVF})= ${sha256('other')}\nSHA256(${DISK})= ${sha256(vmdk)}\n`),
  ),
  recipe(
    'digest-short',
    'a digest of the wrong length',
    withManifest(({ ovf }) => `SHA256(${OVF})= ${sha256(ovf)}\nSHA256(${DISK})= abcdef\n`),
  ),
  recipe(
    'digest-unknown',
    'an algorithm that nobody knows',
    withManifest(({ ovf }) => `CRC32(${OVF})= ${sha256(ovf).slice(0, 8)}\n`),
  ),
  recipe(
    'digest-of-nothing',
    'a manifest that speaks of a file that is missing',
    withManifest(
      ({ ovf, vmdk }) =>
        `SHA256(${OVF})= ${sha256(ovf)}\nSHA256(${DISK})= ${sha256(vmdk)}\nSHA256(gone.vmdk)= ${'0'.repeat(64)}\n`,
    ),
  ),
  recipe(
    'manifest-binary',
    'a manifest of noise',
    withManifest(({ vmdk }) => vmdk.toString('latin1')),
  ),
  recipe(
    'vmdk-noise',
    'a disk that is no VMDK',
    withDisk((vmdk) => Buffer.alloc(vmdk.length, 0x5a)),
  ),
  recipe(
    'vmdk-empty',
    'a disk file of no bytes',
    withDisk(() => Buffer.alloc(0)),
  ),
  recipe(
    'vmdk-cut',
    'a VMDK that ends early',
    withDisk((vmdk) => vmdk.subarray(0, SECTOR * 3)),
  ),
  recipe('vmdk-of-host', 'a VMDK whose extent is a file of the host', descriptor('FLAT "/etc/passwd" 0')),
  recipe('vmdk-of-device', 'a VMDK whose extent is a device of the host', descriptor('FLAT "/dev/zero" 0')),
  recipe(
    'vmdk-with-parent',
    'a VMDK that is a delta over a file of the host',
    descriptor('SPARSE "self.vmdk"', 'parentFileNameHint="/etc/passwd"\n'),
  ),
  recipe(
    'gzip-noise',
    'a reference under gzip that is none',
    compressedReference('ovf:compression="gzip"', () => Buffer.from('no gzip')),
  ),
  recipe(
    'gzip-bomb',
    'a reference that inflates to 4,000 times the disk',
    compressedReference('ovf:compression="gzip"', () =>
      gzipSync(Buffer.alloc(DISK_BYTES * 4000), { level: 9 }),
    ),
  ),
  recipe(
    'compression-unknown',
    'a compression that nobody knows',
    compressedReference('ovf:compression="rot13"', () => Buffer.from('x')),
  ),
  recipe(
    'chunk-zero',
    'chunks of no size',
    compressedReference('ovf:chunkSize="0"', () => Buffer.from('x'), `${DISK}.000000000`),
  ),
  recipe(
    'chunk-missing',
    'a chunk that is not there',
    compressedReference('ovf:chunkSize="65536"', () => Buffer.alloc(65536), `${DISK}.000000001`),
  ),
];
