import { bytes, DISK, OVF, type Recipe, withOvf } from './honest-parts.js';

const MIB = 1024 * 1024;

const refused = (name: string, why: string, make: Recipe['make']): Recipe => ({
  name,
  why,
  outcome: 'refused',
  make,
});
const survived = (name: string, why: string, make: Recipe['make']): Recipe => ({
  name,
  why,
  outcome: 'survived',
  make,
});

const href = (value: string) => withOvf((ovf) => ovf.replace(`ovf:href="${DISK}"`, `ovf:href="${value}"`));
const capacity = (value: string) =>
  withOvf((ovf) => ovf.replace(/ovf:capacity="\d+"/, `ovf:capacity="${value}"`));
const units = (value: string) =>
  withOvf((ovf) => ovf.replace('capacityAllocationUnits="byte"', `capacityAllocationUnits="${value}"`));
const inside = (xml: string) => withOvf((ovf) => ovf.replace('<References>', `${xml}<References>`));
const doctype = (dtd: string, use = '') =>
  withOvf((ovf) =>
    ovf.replace('<Envelope', `<!DOCTYPE Envelope [${dtd}]><Envelope`).replace('<Name>web', `<Name>web${use}`),
  );
const whole = (content: string | Buffer): Recipe['make'] => {
  return ({ vmdk }) => [bytes(OVF, content), bytes(DISK, vmdk)];
};
const quantity = (type: number, value: string) =>
  withOvf((ovf) =>
    ovf.replace(
      new RegExp(`(<rasd:ResourceType>${type}</rasd:ResourceType><rasd:VirtualQuantity>)\\d+`),
      `$1${value}`,
    ),
  );

const extra = (key: string, value: string) =>
  withOvf((ovf) =>
    ovf.replace(
      '</VirtualHardwareSection>',
      `<vmw:ExtraConfig xmlns:vmw="http://www.vmware.com/schema/ovf" vmw:key="${key}" vmw:value="${value}"/></VirtualHardwareSection>`,
    ),
  );

const laughs = Array.from({ length: 12 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('');

/** OVFs that lie, or that hurt who reads them. */
export const hostileDocuments: readonly Recipe[] = [
  refused('href-traversal', 'a file reference that leaves the package', href('../../../../etc/passwd')),
  refused('href-absolute', 'a file reference with an absolute path', href('/etc/passwd')),
  refused('href-file-url', 'a file reference that is a file URL', href('file:///etc/passwd')),
  refused('href-http-url', 'a file reference to a server', href('http://127.0.0.1:9/disk.vmdk')),
  refused('href-backslash', 'a file reference that leaves the package on Windows', href('..\\..\\passwd')),
  refused('href-encoded', 'a traversal in percent encoding', href('%2e%2e/%2e%2e/etc/passwd')),
  refused('href-empty', 'an empty file reference', href('')),
  refused('href-missing-file', 'a file reference to nothing in the package', href('other.vmdk')),
  refused('href-itself', 'a disk that is the OVF', href(OVF)),
  refused('capacity-zero', 'a disk of no size', capacity('0')),
  refused('capacity-negative', 'a disk of less than no size', capacity('-1073741824')),
  refused('capacity-absurd', 'a disk larger than anything', capacity('1208925819614629174706176')),
  refused('capacity-words', 'a capacity that is no number', capacity('plenty')),
  refused('capacity-exponent', 'a capacity in floating point', capacity('1e9')),
  refused('capacity-infinite', 'a capacity without end', capacity('Infinity')),
  survived(
    'capacity-too-small',
    'less capacity than the disk has, as some exporters write',
    capacity('65536'),
  ),
  refused('units-unknown', 'units that are none of bytes', units('parsec')),
  refused('units-absurd', 'units beyond every number', units('byte * 2^99999')),
  refused('units-negative', 'a negative exponent', units('byte * 2^-20')),
  refused('cpu-zero', 'a machine without CPU', quantity(3, '0')),
  refused('cpu-absurd', 'more CPUs than there are', quantity(3, '999999999999')),
  refused('memory-negative', 'negative memory', quantity(4, '-4')),
  refused('not-xml', 'an OVF that is no XML', whole('this is no XML, whatever its name says')),
  refused('empty-ovf', 'an OVF of no bytes', whole('')),
  refused('html', 'XML that is no OVF', whole('<html><body>Not found</body></html>')),
  refused(
    'cut-xml',
    'an OVF that ends in the middle',
    withOvf((ovf) => ovf.slice(0, ovf.length / 2)),
  ),
  refused(
    'bad-utf8',
    'bytes that are no UTF-8',
    whole(Buffer.from([0x3c, 0xff, 0xfe, 0x00, 0xc3, 0x28, 0x3e])),
  ),
  refused(
    'nul-bytes',
    'NUL in the text',
    withOvf((ovf) => ovf.replace('<Name>web', '<Name>we\0b')),
  ),
  refused(
    'no-system',
    'an envelope without a machine',
    withOvf((ovf) => ovf.replace(/<VirtualSystem .*<\/VirtualSystem>/s, '')),
  ),
  refused(
    'unknown-file-ref',
    'a disk whose file nobody declared',
    withOvf((ovf) => ovf.replace('ovf:fileRef="file1"', 'ovf:fileRef="file9"')),
  ),
  refused(
    'unknown-disk',
    'a machine whose disk nobody declared',
    withOvf((ovf) => ovf.replace('ovf:/disk/vmdisk1', 'ovf:/disk/vmdisk9')),
  ),
  refused(
    'file-id-twice',
    'two files with one id',
    withOvf((ovf) => ovf.replace('<References>', `<References><File ovf:href="a.vmdk" ovf:id="file1"/>`)),
  ),
  refused(
    'disk-id-twice',
    'two disks with one id',
    withOvf((ovf) => ovf.replace(/(<Disk .*?\/>)/, '$1$1')),
  ),
  refused(
    'machine-id-twice',
    'two machines with one id',
    withOvf((ovf) =>
      ovf.replace(
        /<VirtualSystem .*<\/VirtualSystem>/s,
        (system) => `<VirtualSystemCollection ovf:id="c"><Info/>${system}${system}</VirtualSystemCollection>`,
      ),
    ),
  ),
  refused(
    'entity-expansion',
    'entities that grow to 10^12 letters',
    doctype(`<!ENTITY l0 "ha">${laughs}`, '&l12;'),
  ),
  refused(
    'entity-file',
    'an entity that reads a file of the host',
    doctype('<!ENTITY x SYSTEM "file:///etc/passwd">', '&x;'),
  ),
  refused(
    'entity-server',
    'a DTD from a server',
    doctype('<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;'),
  ),
  refused('huge-text', 'an OVF of 48 MiB', inside(`<Info>${' '.repeat(48 * MIB)}</Info>`)),
  refused('deep', '200,000 elements in one another', inside('<a>'.repeat(200_000) + '</a>'.repeat(200_000))),
  survived(
    'affinity-repeated',
    'a CPU affinity of 30 million CPUs in 21 KB',
    extra('sched.cpu.affinity', Array.from({ length: 3000 }, () => '0-4000').join(',')),
  ),
  refused(
    'affinity-wide',
    'a CPU affinity of more CPUs than any host has',
    extra('sched.cpu.affinity', '0-9999'),
  ),
  refused(
    'references',
    '3 million character references',
    inside(`<Info>${'&#65;'.repeat(3_000_000)}</Info>`),
  ),
  survived(
    'many-attributes',
    '100,000 attributes',
    inside(`<Info ${Array.from({ length: 100_000 }, (_, n) => `a${n}="1"`).join(' ')}/>`),
  ),
  survived(
    'long-name',
    'a name of a million letters',
    withOvf((ovf) => ovf.replace('<Name>web', `<Name>${'w'.repeat(1_000_000)}`)),
  ),
  survived(
    'strange-name',
    'a name of signs that shells and paths know',
    withOvf((ovf) => ovf.replace('<Name>web', '<Name>../;$(reboot)`\u202e')),
  ),
];
