import type { ForeignHeader, ImageBytes, ImageRefusal } from './header.js';

const SECTOR = 512;
/** QEMU always looks for the parent here, even if the header says otherwise (block/vmdk.c: desc_offset = 0x200, DESC_SIZE). */
const DESCRIPTOR_AT = SECTOR;
const DESCRIPTOR_LENGTH = 20 * SECTOR;
/** GD_AT_END: the footer, in the last but one sector of the file, is the valid header. */
const DIRECTORY_AT_END = 0xffff_ffff_ffff_ffffn;
const HEADER_LENGTH = 79;

/** Reads a VMDK (Virtual Disk Format 5.0), which must hold all of its data itself. */
export function vmdkHeader({ head, tail, length }: ImageBytes): ForeignHeader {
  const magic = head.toString('latin1', 0, 4);
  if (magic === 'COWD')
    return refused('parent', 'is a COWD VMDK, as ESXi snapshots use; export the VM again');
  if (magic !== 'KDMV') return refusedDescriptor(head.toString('latin1'));
  if (head.length < HEADER_LENGTH) return refused('damaged', 'ends early; fetch or export the VM again');
  const sectors = head.readBigUInt64LE(12);
  // QEMU reads such a VMDK as a bare descriptor, whose extents are other files (block/vmdk.c, vmdk_open_vmdk4).
  if (sectors === 0n) return refusedDescriptor(embeddedText(head));
  const capacity = Number(sectors) * SECTOR;
  const refusal =
    descriptorRefusal(embeddedText(head)) ?? lengthRefusal(head, tail, length) ?? outOfPlace(head);
  return { capacity, refusal };
}

/** Refuses a descriptor outside sector 1: readers differ in whether they follow such a header, and no exporter writes one. */
function outOfPlace(head: Buffer): ImageRefusal | undefined {
  const [at, sectors] = [head.readBigUInt64LE(28), head.readBigUInt64LE(36)];
  return at === 0n || sectors === 0n || at === 1n
    ? undefined
    : { cause: 'extents', why: `has its descriptor at sector ${at}, where no exporter puts it` };
}

/** Returns the descriptor up to the first NUL, where every reader stops. */
function embeddedText(head: Buffer): string {
  const text = head.toString('latin1', DESCRIPTOR_AT, DESCRIPTOR_AT + DESCRIPTOR_LENGTH);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

const EXTENT = /^[ \t]*(?:RW|RDONLY|NOACCESS)[ \t]+\d+[ \t]+(\w+)(?:[ \t]+"([^"\n]*)")?/gim;

function refusedDescriptor(text: string): ForeignHeader {
  const parent = parentRefusal(text);
  if (parent !== undefined) return { capacity: undefined, refusal: parent };
  const names = [...text.matchAll(EXTENT)].map(([, , name]) => name ?? '').filter((name) => name !== '');
  const shown = names.slice(0, 3).map((name) => `'${name.slice(0, 100)}'`);
  return refused(
    'extents',
    `is a VMDK descriptor whose data is in other files${shown.length === 0 ? '' : ` (${shown.join(', ')})`}; ` +
      'export the VM with streamOptimized VMDKs',
  );
}

/** A sparse VMDK names itself as its only extent, under any name that it once had. */
function descriptorRefusal(text: string): ImageRefusal | undefined {
  const parent = parentRefusal(text);
  if (parent !== undefined) return parent;
  const extents = [...text.matchAll(EXTENT)];
  const other = extents.find(([, kind = '']) => kind.toUpperCase() !== 'SPARSE');
  if (other === undefined && extents.length <= 1) return undefined;
  const why = `is a VMDK with ${other === undefined ? `${extents.length} extents` : `an extent of kind ${(other[1] ?? '').slice(0, 20)}`}; export the VM with streamOptimized VMDKs`;
  return { cause: 'extents', why };
}

function parentRefusal(text: string): ImageRefusal | undefined {
  const hasParent = [...text.matchAll(/parentCID\s*=\s*"?([0-9a-z]*)/gi)].some(
    ([, cid = '']) => cid.toLowerCase() !== 'ffffffff',
  );
  return hasParent || /parentFileNameHint/i.test(text)
    ? { cause: 'parent', why: 'is a VMDK that is a delta of another file; export the VM without snapshots' }
    : undefined;
}

/** Detects a truncated VMDK by its missing grain directory, from the footer or the offset in the header. */
function lengthRefusal(
  head: Buffer,
  tail: Buffer | undefined,
  length: number | undefined,
): ImageRefusal | undefined {
  if (tail === undefined || length === undefined) return undefined;
  const cut: ImageRefusal = { cause: 'damaged', why: 'ends early; fetch or export the VM again' };
  const directory = head.readBigUInt64LE(56);
  if (directory !== DIRECTORY_AT_END) return directory * BigInt(SECTOR) >= BigInt(length) ? cut : undefined;
  if (length < 3 * SECTOR || tail.length < 2 * SECTOR) return cut;
  const footer = tail.subarray(tail.length - 2 * SECTOR);
  if (footer.toString('latin1', 0, 4) !== 'KDMV') return cut;
  return footer.readBigUInt64LE(12) === head.readBigUInt64LE(12)
    ? undefined
    : { cause: 'damaged', why: 'has different capacities in its footer and header; export the VM again' };
}

const refused = (cause: ImageRefusal['cause'], why: string): ForeignHeader => ({
  capacity: undefined,
  refusal: { cause, why },
});
