import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { basename, dirname, extname, posix, resolve, sep } from 'node:path';
import { LARGEST_XML, nameText, xmlText } from './xml.js';
import { BadOva } from './errors.js';
import { checkName, isOfMacOs, namesOf, sameName } from './references.js';
import { type FileDigest, parseManifest } from './manifest.js';
import { type TarEntry, readTar } from './tar.js';

/** A part of a file on disk. */
export interface Located {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** An OVA: its descriptor, its manifest, and access to the files that the descriptor names. */
export interface OvaPackage {
  readonly path: string;
  readonly descriptor: string;
  readonly manifest: ReadonlyMap<string, FileDigest>;
  /** Changes whenever one of its files changes. */
  readonly stamp: string;
  /**
   * Finds the file of a reference, beside the descriptor.
   * @throws BadOva for a path that leads out of the package or does not exist
   */
  find(href: string, field: string): Promise<Located>;
  /** Finds a file named in the manifest, which contains names rather than URIs. @throws BadOva */
  named(name: string, field: string): Promise<Located>;
}

/** Opens an .ova, or an unpacked .ovf with its files. @throws BadOva */
export async function openPackage(path: string): Promise<OvaPackage> {
  return extname(path).toLowerCase() === '.ova' ? openTarred(path) : openUnpacked(path);
}

async function openTarred(path: string): Promise<OvaPackage> {
  const real = await realpath(path);
  const file = await open(real, 'r');
  try {
    const { size, mtimeMs } = await file.stat();
    const entries = (await readTar(file, size)).filter(({ name }) => !isOfMacOs(name));
    const byName = new Map(entries.map((entry) => [sameName(entry.name), entry]));
    const ofType = (extension: string): TarEntry | undefined =>
      entries.find((entry) => entry.kind === 'file' && entry.name.toLowerCase().endsWith(extension));
    if (entries.filter(({ name }) => name.toLowerCase().endsWith('.ovf')).length > 1) {
      throw new BadOva('badOvf', `${path} holds several .ovf files; an OVA has one`);
    }
    const ovf = ofType('.ovf');
    if (ovf === undefined) throw new BadOva('noDescriptor', `${path} holds no .ovf file`);
    const descriptor = await readText(file, ovf, 'Envelope');
    const mf = ofType('.mf');
    const manifest = parseManifest(mf === undefined ? '' : nameText(await readText(file, mf, 'manifest')));
    checkDescriptor(posix.basename(ovf.name), descriptor, manifest);
    // The tar may contain everything in a folder; references are relative to the descriptor.
    const folder = posix.dirname(ovf.name);
    const locate = (names: readonly string[], field: string): Located => {
      const candidates = names.flatMap((name) => [posix.join(folder, name), name]);
      const entry = candidates.flatMap((name) => byName.get(sameName(name)) ?? [])[0];
      const shown = (names[0] ?? '').slice(0, 200);
      if (entry === undefined) throw new BadOva('missingFile', `${path} holds no file '${shown}'`, field);
      if (entry.kind !== 'file')
        throw new BadOva('unsafePath', `'${shown}' in ${path} is a link or no file`, field);
      return { file: real, offset: entry.offset, length: entry.length };
    };
    return {
      path,
      descriptor: xmlText(descriptor),
      manifest,
      stamp: `${size}/${mtimeMs}`,
      find: async (href, field) => locate(namesOf(href, field), field),
      named: async (name, field) => {
        checkName(name, field);
        return locate([name], field);
      },
    };
  } finally {
    await file.close();
  }
}

async function openUnpacked(path: string): Promise<OvaPackage> {
  const real = await realpath(path);
  const folder = dirname(real);
  const descriptor = await readSmallFile(real, 'Envelope');
  const mfPath = real.slice(0, -extname(real).length) + '.mf';
  const mf = await readSmallFile(mfPath, 'manifest').catch(() => Buffer.alloc(0));
  const manifest = parseManifest(nameText(mf));
  checkDescriptor(basename(real), descriptor, manifest);
  const { size, mtimeMs } = await lstat(real);
  const locate = async (names: readonly string[], field: string): Promise<Located> => {
    for (const name of names) {
      const found = await fileIn(folder, name, field);
      if (found !== undefined) return found;
    }
    const shown = resolve(folder, names[0] ?? '').slice(0, 300);
    throw new BadOva('missingFile', `${shown} is named by ${path} and not there`, field);
  };
  return {
    path,
    descriptor: xmlText(descriptor),
    manifest,
    stamp: `${size}/${mtimeMs}`,
    find: (href, field) => locate(namesOf(href, field), field),
    named: async (name, field) => {
      checkName(name, field);
      return locate([name], field);
    },
  };
}

/** @returns undefined if there is no such file @throws BadOva */
async function fileIn(folder: string, name: string, field: string): Promise<Located | undefined> {
  const real = await realpath(resolve(folder, name)).catch(() => undefined);
  if (real === undefined) return undefined;
  // A link may point anywhere on this machine, so its target must be in the descriptor's folder.
  if (!real.startsWith(folder + sep))
    throw new BadOva('unsafePath', `'${name}' leads out of ${folder}`, field);
  const stat = await lstat(real);
  if (!stat.isFile()) throw new BadOva('unsafePath', `'${name}' in ${folder} is no file`, field);
  return { file: real, offset: 0, length: stat.size };
}

function checkDescriptor(name: string, content: Buffer, manifest: ReadonlyMap<string, FileDigest>): void {
  const digest = manifest.get(name);
  if (digest === undefined) return;
  const actual = createHash(digest.algorithm).update(content).digest('hex');
  if (actual !== digest.hex) throw digestMismatch(name, digest, actual);
}

/** Reads a part of a file once and compares its digest. @throws BadOva */
export async function verifyDigest(
  name: string,
  { file, offset, length }: Located,
  digest: FileDigest,
): Promise<void> {
  const hash = createHash(digest.algorithm);
  if (length > 0) {
    const stream = createReadStream(file, {
      start: offset,
      end: offset + length - 1,
      highWaterMark: 1024 * 1024,
    });
    for await (const chunk of stream) hash.update(chunk as Buffer);
  }
  const actual = hash.digest('hex');
  if (actual !== digest.hex) throw digestMismatch(name, digest, actual);
}

const digestMismatch = (name: string, digest: FileDigest, actual: string): BadOva =>
  new BadOva(
    'digestMismatch',
    `the ${digest.algorithm} of ${name} is ${actual.slice(0, 16)}… and the manifest says ${digest.hex.slice(0, 16)}…; export or fetch the OVA again`,
    `manifest.${name}`,
  );

async function readText(file: FileHandle, entry: TarEntry, field: string): Promise<Buffer> {
  if (entry.length > LARGEST_XML)
    throw new BadOva('badXml', `${entry.name} has ${entry.length} bytes, more than ${LARGEST_XML}`, field);
  const content = Buffer.alloc(entry.length);
  await file.read(content, 0, entry.length, entry.offset);
  return content;
}

async function readSmallFile(path: string, field: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    return await readText(file, { name: path, kind: 'file', offset: 0, length: size }, field);
  } finally {
    await file.close();
  }
}
