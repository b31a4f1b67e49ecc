import { createHash } from 'node:crypto';
import type { SourceDisk, SourceVm } from '@ledgerlift/contracts';
import { VsphereMomentUnknown } from '../errors.js';
import type { VsphereSession } from '../session.js';
import { fileOf, vmNow } from './current.js';
import { FILE_PRIVILEGES, addressOf, touch } from './datastore.js';
import { VsphereDiskFileMissing } from './errors.js';

const SILENCE_MS = 30_000;
/** A descriptor has a few hundred bytes. */
const LONGEST = 64 * 1024;

/**
 * Identifies the content of a powered-off VM's disks by the content ids in their descriptors: the CID is "a random 32-bit value
 * updated the first time the content of the virtual disk is modified after the virtual disk is opened" (VMware Virtual
 * Disk Format 5.0), and ESXi keeps a longer one next to it. A snapshot's new delta has the ids and the content of its parent, so
 * a snapshot of a powered-off VM changes nothing here. For a running VM the ids are meaningless.
 *
 * @throws VsphereMomentUnknown if they cannot be read; VsphereDiskFileMissing, and errors of a call
 */
export async function contentOf(session: VsphereSession, vm: SourceVm, signal: AbortSignal): Promise<string> {
  const { disks } = await vmNow(session, vm, signal);
  await touch(session, signal);
  const ids: (readonly string[])[] = [];
  for (const disk of disks.toSorted((a, b) => Number(a.id) - Number(b.id))) {
    const text = await descriptorOf(session, vm, disk, signal);
    const id = /^CID=([0-9a-f]+)\s*$/im.exec(text)?.[1];
    if (id === undefined)
      throw unknown(
        vm,
        `the descriptor of '${disk.name}' has no content id`,
        'reach the VM through a vCenter',
      );
    ids.push([disk.id, id, /^ddb\.longContentID *= *"([0-9a-f]+)"/im.exec(text)?.[1] ?? '']);
  }
  return createHash('sha256').update(JSON.stringify(ids)).digest('hex').slice(0, 32);
}

const unknown = ({ name }: SourceVm, reason: string, wayOut: string): VsphereMomentUnknown =>
  new VsphereMomentUnknown(name, reason, wayOut);

async function descriptorOf(
  session: VsphereSession,
  vm: SourceVm,
  disk: SourceDisk,
  signal: AbortSignal,
): Promise<string> {
  const { connection } = session;
  const file = fileOf(disk);
  const url = await addressOf(session, disk, file, signal);
  if (url === undefined)
    throw unknown(vm, `it is not seen in which datacenter '${file}' lies`, 'see that the user may view it');
  const headers = { cookie: await session.cookie(signal) };
  const response = await connection.exchange({ method: 'GET', url, headers, signal, silenceMs: SILENCE_MS });
  const { statusCode } = response;
  if (statusCode !== 200) response.destroy();
  if (statusCode === 401 || statusCode === 403)
    throw unknown(
      vm,
      `the user may not read the descriptor '${file}' (HTTP ${statusCode})`,
      `give its role the privileges ${FILE_PRIVILEGES}`,
    );
  if (statusCode !== 200) throw new VsphereDiskFileMissing(disk.name, file, `HTTP ${statusCode}`);
  let text = '';
  try {
    response.setEncoding('latin1');
    for await (const part of response as AsyncIterable<string>) {
      text += part;
      if (text.length > LONGEST) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw connection.failureOf(`GET ${file}`, error);
  }
  return text;
}
