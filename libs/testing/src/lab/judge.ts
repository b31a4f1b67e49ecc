import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { sha256OfFile } from '../disks/index.js';
import { PeerFailed } from '../errors.js';
import { temporaryFolder } from '../temporary-folder.js';
import { vmPaths } from './process/paths.js';
import { readRecord } from './process/record.js';

/** Looks at the images themselves, past the lab and past everything that is being judged. */
export interface LabDiskJudge {
  digest(diskId: string): Promise<string>;
  compare(diskId: string, target: string, format: 'raw' | 'qcow2'): Promise<boolean>;
}

/** Both throw PeerFailed while the VM is on: then its disks have no content yet that could be judged. */
export function judgeOf(folder: string, vmId: string): LabDiskJudge {
  const paths = vmPaths(folder, vmId);
  const imageOf = async (diskId: string): Promise<string> => {
    const { power, disks } = await readRecord(paths.record);
    const index = disks.findIndex(({ id }) => id === diskId);
    if (power === 'on' || index < 0)
      throw new PeerFailed('lab', `${vmId} is ${power} and disk '${diskId}' is its number ${index}`, []);
    return paths.disk(index);
  };
  return {
    digest: async (diskId) => sha256OfImage(await imageOf(diskId)),
    // The daemon still holds a lock although it no longer writes, and powering off has flushed everything: -U is right here.
    compare: async (diskId, target, format) => {
      const images = [await imageOf(diskId), target];
      const args = ['compare', '-q', '-U', '-f', 'qcow2', '-F', format, ...images];
      const [code] = (await once(spawn('qemu-img', args, { stdio: 'inherit' }), 'exit')) as [number | null];
      if (code === 0 || code === 1) return code === 0;
      throw new PeerFailed('qemu-img', `comparing ${images.join(' and ')} ended with ${String(code)}`, []);
    },
  };
}

async function sha256OfImage(path: string): Promise<string> {
  await using folder = temporaryFolder('lab-digest');
  const raw = folder.file('disk.raw');
  await promisify(execFile)('qemu-img', ['convert', '-U', '-f', 'qcow2', '-O', 'raw', path, raw]);
  return sha256OfFile(raw);
}
