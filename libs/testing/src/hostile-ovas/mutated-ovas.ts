import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { seededBytes, seededChoice } from '../disks/index.js';
import { tarBytes } from '../ova/index.js';
import { bytes, DISK, honestParts, type HonestParts, OVF } from './honest-parts.js';
import { writeMade } from './write-hostile.js';

export interface MutatedOva {
  /** Says the seed and the mutation, so that it can be made again. */
  readonly name: string;
  /** Removed when the next one is asked for. */
  readonly path: string;
}

type Choose = (below: number) => number;

// What breaks parsers of numbers, paths and text.
const values = [
  '',
  '0',
  '-1',
  '1e308',
  'NaN',
  '0x10',
  '1.5',
  '99999999999999999999999999',
  ' 12 ',
  '٣',
  'true',
  'null',
  '[object Object]',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '/dev/zero',
  'C:\\x',
  '%00',
  '\u202e',
  '💥',
  'x'.repeat(10_000),
  '&amp;',
  '{{7*7}}',
  '$(reboot)',
  "'; DROP TABLE vms; --",
  'byte * 2^64',
  'byte * 2^',
  'urn:x',
  'ovf:/disk/',
  'ovf:/file/file1',
];

const mutations: Readonly<Record<string, (parts: HonestParts, choose: Choose) => Buffer>> = {
  value: ({ ovf, vmdk }, choose) =>
    pack(replaceMatch(ovf, /(?<==")[^"]*(?=")|(?<=>)[^<>]+(?=<)/g, choose, pickValue), vmdk),
  values: ({ ovf, vmdk }, choose) => {
    let changed = ovf;
    for (let n = 0; n < 8; n++) changed = replaceMatch(changed, /(?<==")[^"]*(?=")/g, choose, pickValue);
    return pack(changed, vmdk);
  },
  'remove-element': ({ ovf, vmdk }, choose) =>
    pack(
      replaceMatch(ovf, /<(\w[\w:]*)[^<>]*(\/>|>[^<]*<\/\1>)/g, choose, () => ''),
      vmdk,
    ),
  'double-element': ({ ovf, vmdk }, choose) =>
    pack(
      replaceMatch(ovf, /<(\w[\w:]*)[^<>]*(\/>|>[^<]*<\/\1>)/g, choose, (_choose, old) => old + old),
      vmdk,
    ),
  'remove-attribute': ({ ovf, vmdk }, choose) =>
    pack(
      replaceMatch(ovf, / [\w:]+="[^"]*"/g, choose, () => ''),
      vmdk,
    ),
  'rename-element': ({ ovf, vmdk }, choose) =>
    pack(
      replaceMatch(ovf, /(?<=<\/?)[\w:]+/g, choose, () => 'Strange'),
      vmdk,
    ),
  'flip-xml': ({ ovf, vmdk }, choose) =>
    tarBytes([bytes(OVF, flip(Buffer.from(ovf), choose, 6)), bytes(DISK, vmdk)]),
  'flip-vmdk': ({ ovf, vmdk }, choose) => pack(ovf, flip(Buffer.from(vmdk), choose, 40)),
  'flip-vmdk-head': ({ ovf, vmdk }, choose) =>
    pack(ovf, Buffer.concat([flip(Buffer.from(vmdk.subarray(0, 2048)), choose, 20), vmdk.subarray(2048)])),
  'flip-tar-head': ({ ovf, vmdk }, choose) => {
    const tar = pack(ovf, vmdk);
    flip(tar.subarray(0, 512), choose, 4);
    return tar;
  },
  cut: ({ ovf, vmdk }, choose) => {
    const tar = pack(ovf, vmdk);
    return tar.subarray(0, choose(tar.length));
  },
  noise: (_parts, choose) => seededBytes(choose(2 ** 31))(choose(64 * 1024) + 1),
};

/**
 * Yields so many OVAs, each spoilt at random places; the same ones for the same seed. None may crash or hang a reader;
 * many are wrong, some are still right.
 */
export async function* mutatedOvas(
  folder: string,
  { count, seed = 1 }: { readonly count: number; readonly seed?: number },
): AsyncGenerator<MutatedOva> {
  const parts = await honestParts(seed);
  const kinds = Object.entries(mutations);
  for (let n = 0; n < count; n++) {
    const [kind, mutate] = kinds[n % kinds.length] ?? [];
    if (kind === undefined || mutate === undefined) return;
    const path = join(folder, `mutated-${n}.ova`);
    await writeMade(path, mutate(parts, seededChoice(seed * 1_000_003 + n)));
    try {
      yield { name: `${kind} (seed ${seed}, number ${n})`, path };
    } finally {
      await rm(path, { force: true });
    }
  }
}

function pack(ovf: string, vmdk: Buffer): Buffer {
  return tarBytes([bytes(OVF, ovf), bytes(DISK, vmdk)]);
}

function pickValue(choose: Choose): string {
  return values[choose(values.length)] ?? '';
}

function replaceMatch(
  text: string,
  pattern: RegExp,
  choose: Choose,
  replacement: (choose: Choose, old: string) => string,
): string {
  const matches = [...text.matchAll(pattern)];
  const match = matches[choose(Math.max(matches.length, 1))];
  if (match === undefined) return text;
  const [old] = match;
  return text.slice(0, match.index) + replacement(choose, old) + text.slice(match.index + old.length);
}

/** Changes so many bytes of the buffer in place. */
function flip(buffer: Buffer, choose: Choose, times: number): Buffer {
  for (let n = 0; n < times; n++) buffer.writeUInt8(choose(256), choose(buffer.length));
  return buffer;
}
