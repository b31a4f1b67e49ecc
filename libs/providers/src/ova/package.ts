import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { basename, dirname, extname, resolve, sep } from 'node:path';
import { BadOva, systemCode, unreadable } from './errors.js';
import { checkHref, spellingsOf } from './href.js';
import { type FileDigest, digestMismatch, parseManifest } from './manifest.js';
import { type TarEntry, readTar } from './tar.js';
import { LARGEST_XML } from './xml.js';

/** A stretch of a file on disk. */
export interface Located {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** Where a file of a package lies. */
export interface Found extends Located {
  /** Changes when the file does. */
  readonly stamp: string;
}

/** An OVA: its descriptor, its manifest, and a way to find the files that the descriptor names. */
export interface OvaPackage {
  readonly path: string;
  readonly descriptor: Buffer;
  readonly manifest: ReadonlyMap<string, FileDigest>;
  /** Changes when the OVA or the OVF does. */
  readonly stamp: string;
  /** @throws BadOva for a path that leads out of the package, or to nothing */
  find(href: string, field: string): Promise<Found>;
}

/** Opens an .ova, or an unpacked .ovf with its files. @throws BadOva */
export async function openPackage(path: string): Promise<OvaPackage> {
  return extname(path).toLowerCase() === '.ova' ? openTarred(path) : openUnpacked(path);
}

async function openTarred(path: string): Promise<OvaPackage> {
  return withFile(path, async (file, size, stamp) => {
    const entries = await readTar(file, size);
    const ofType = (extension: string): readonly TarEntry[] =>
      entries.filter(({ name }) => name.toLowerCase().endsWith(extension));
    const ovfs = ofType('.ovf');
    if (ovfs.length > 1) throw new BadOva('badOvf', `${path} holds several .ovf files; an OVA has one`);
    const ovf = ovfs.find(({ kind }) => kind === 'file');
    if (ovf === undefined) throw new BadOva('noDescriptor', `${path} holds no .ovf file`);
    const descriptor = await readText(file, ovf, 'Envelope');
    const mf = ofType('.mf').find(({ kind }) => kind === 'file');
    const manifest = parseManifest(mf === undefined ? '' : String(await readText(file, mf, 'manifest')));
    checkDescriptor(ovf.name, descriptor, manifest);
    const byName = new Map(entries.map((entry) => [entry.name, entry]));
    return {
      path,
      descriptor,
      manifest,
      stamp,
      find: (href, field) => findInTar(path, byName, href, field, stamp),
    };
  });
}

async function findInTar(
  path: string,
  entries: ReadonlyMap<string, TarEntry>,
  href: string,
  field: string,
  stamp: string,
): Promise<Found> {
  checkHref(href, field);
  const entry = spellingsOf(href).flatMap((name) => entries.get(name) ?? [])[0];
  if (entry === undefined)
    throw new BadOva('missingFile', `${path} holds no file '${href.slice(0, 200)}'`, field);
  if (entry.kind !== 'file')
    throw new BadOva('unsafePath', `'${entry.name}' in ${path} is a link or no file`, field);
  return { file: path, offset: entry.offset, length: entry.length, stamp };
}

async function openUnpacked(path: string): Promise<OvaPackage> {
  const folder = await realpath(dirname(path)).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const name = basename(path);
  const { content: descriptor, stamp } = await readSmallFile(path, 'Envelope');
  const mf = await manifestBeside(folder, name);
  const manifest = parseManifest(String(mf));
  checkDescriptor(name, descriptor, manifest);
  return {
    path,
    descriptor,
    manifest,
    stamp,
    find: async (href, field) => {
      checkHref(href, field);
      const real = await insideOf(folder, href, field);
      const found = await lstat(real).catch((error: unknown) => {
        throw unreadable(real, error, field);
      });
      if (!found.isFile()) throw new BadOva('unsafePath', `'${href}' in ${folder} is no file`, field);
      return { file: real, offset: 0, length: found.size, stamp: `${found.size}/${found.mtimeMs}` };
    },
  };
}

/** The real path of a file beside the descriptor. A link may lead anywhere on this machine; it must not lead out. */
async function insideOf(folder: string, href: string, field: string): Promise<string> {
  for (const name of spellingsOf(href)) {
    const named = resolve(folder, name);
    try {
      const real = await realpath(named);
      if (real.startsWith(folder.endsWith(sep) ? folder : folder + sep)) return real;
      throw new BadOva('unsafePath', `'${name}' leads out of ${folder}`, field);
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(systemCode(error)))
        throw unreadable(named, error, field);
    }
  }
  throw new BadOva('missingFile', `'${href.slice(0, 200)}' is not in ${folder}`, field);
}

async function manifestBeside(folder: string, ovf: string): Promise<Buffer> {
  const name = `${ovf.slice(0, -extname(ovf).length)}.mf`;
  try {
    return (await readSmallFile(await insideOf(folder, name, 'manifest'), 'manifest')).content;
  } catch (error) {
    if (error instanceof BadOva && error.code === 'LL-OVA-007') return Buffer.alloc(0);
    throw error;
  }
}

function checkDescriptor(name: string, content: Buffer, manifest: ReadonlyMap<string, FileDigest>): void {
  const digest = manifest.get(name);
  if (digest === undefined) return;
  const actual = createHash(digest.algorithm).update(content).digest('hex');
  if (actual !== digest.hex) throw digestMismatch(name, digest, actual);
}

async function readText(file: FileHandle, entry: TarEntry, field: string): Promise<Buffer> {
  if (entry.length > LARGEST_XML)
    throw new BadOva(
      field === 'manifest' ? 'badManifest' : 'badXml',
      `${entry.name} has ${entry.length} bytes, more than ${LARGEST_XML}`,
      field,
    );
  const content = Buffer.alloc(entry.length);
  for (let done = 0; done < content.length; ) {
    const { bytesRead } = await file.read(content, done, content.length - done, entry.offset + done);
    if (bytesRead === 0) throw new BadOva('badTar', `${entry.name} is cut off`, field);
    done += bytesRead;
  }
  return content;
}

async function readSmallFile(
  path: string,
  field: string,
): Promise<{ readonly content: Buffer; readonly stamp: string }> {
  return withFile(path, async (file, length, stamp) => ({
    content: await readText(file, { name: path, kind: 'file', offset: 0, length }, field),
    stamp,
  }));
}

/** Opens what is a file and nothing else: to open a pipe would wait for ever. @throws BadOva */
async function withFile<T>(
  path: string,
  use: (file: FileHandle, size: number, stamp: string) => Promise<T>,
): Promise<T> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await file.stat();
    if (!found.isFile()) throw new BadOva('unreadable', `${path} is no file`);
    return await use(file, found.size, `${found.size}/${found.mtimeMs}`);
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await file?.close();
  }
}
