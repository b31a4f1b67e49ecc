import { z } from 'zod';
import type { LabHypervisor } from '../lab-hypervisor.js';
import { LabNbd } from '../process/nbd.js';

const Nbd = z.object({ socket: z.string(), exportName: z.string() });
const Snapshot = z.object({
  disks: z.array(z.object({ id: z.string(), changeId: z.string().optional(), nbd: Nbd })),
});
const Extents = z.object({ extents: z.array(z.tuple([z.int(), z.int()])) });

/** Snapshot and disk, in a VM. */
export interface Where {
  readonly vm: string;
  readonly snapshot: string;
  readonly disk: string;
}

export async function snapshotDisk(lab: LabHypervisor, { vm, snapshot, disk }: Where) {
  const { disks } = Snapshot.parse(await lab.do('GET', `/vms/${vm}/snapshots/${snapshot}`));
  const found = disks.find(({ id }) => id === disk);
  if (found === undefined) throw new TypeError(`no disk ${disk}`);
  return found;
}

export async function changeId(lab: LabHypervisor, where: Where): Promise<string> {
  return (await snapshotDisk(lab, where)).changeId ?? '';
}

export async function changes(lab: LabHypervisor, where: Where, since: string) {
  const { vm, snapshot, disk } = where;
  const path = `/vms/${vm}/snapshots/${snapshot}/disks/${disk}/changes?since=${encodeURIComponent(since)}`;
  return Extents.parse(await lab.do('GET', path)).extents;
}

/** The bytes of a snapshot's disk, all of them. */
export async function readAll(lab: LabHypervisor, where: Where): Promise<Buffer> {
  return readExport((await snapshotDisk(lab, where)).nbd);
}

export async function readExport({ socket, exportName }: z.infer<typeof Nbd>): Promise<Buffer> {
  const client = await LabNbd.open(socket, exportName);
  try {
    const parts: Buffer[] = [];
    for (let at = 0; at < client.size; at += 1 << 20)
      parts.push(await client.read(at, Math.min(1 << 20, client.size - at)));
    return Buffer.concat(parts);
  } finally {
    client.close();
  }
}

/** Brings a copy to a snapshot by what is said to have changed. @returns how many bytes that were */
export async function bring(lab: LabHypervisor, copy: Buffer, where: Where, since: string): Promise<number> {
  const extents = await changes(lab, where, since);
  const { socket, exportName } = (await snapshotDisk(lab, where)).nbd;
  const client = await LabNbd.open(socket, exportName);
  try {
    for (const [offset, length] of extents) (await client.read(offset, length)).copy(copy, offset);
  } finally {
    client.close();
  }
  return extents.reduce((sum, [, length]) => sum + length, 0);
}
