import type { DiskCheckpoint, Snapshot } from '@ledgerlift/contracts';
import type { Chance } from '@ledgerlift/testing';

/** A disk of the simulation has so many chunks; each holds the number of the write that it had last. */
const CHUNKS = 6;
export const DISK = 'd0';

/** What a chunk of the target holds: the source's content, and how many conversions were committed over it. */
export interface TargetChunk {
  readonly write: number;
  readonly converted: number;
}

/**
 * The world outside: one source and one target, in memory. It obeys whoever acts on it, and knows nothing of logs: so
 * it can judge what the deciders let happen.
 */
export class World {
  power: 'on' | 'off' = 'on';
  /** Numbers its runs: what an off source holds belongs to one of them. */
  runs = 1;
  chunks: number[] = Array.from({ length: CHUNKS }, () => 0);
  writes = 0;
  readonly snapshots = new Map<string, { readonly at: number; readonly chunks: readonly number[] }>();
  target: TargetChunk[] = Array.from({ length: CHUNKS }, () => ({ write: -1, converted: 0 }));
  readonly overlays = new Set<string>();
  targetRuns = false;
  /** What it may have written is nowhere else. */
  targetHasRun = false;
  /** It was handed over, to run or halted. */
  targetIsLetGo = false;
  targetDisk: 'there' | 'deleted' = 'there';
  /** When its migration looked at it first. */
  wasOn: boolean;
  targetExists = false;

  constructor(private readonly chance: Chance) {
    this.wasOn = !chance.once(6);
    if (!this.wasOn) this.power = 'off';
  }

  letTargetGo(): void {
    this.targetIsLetGo = true;
  }

  startTarget(): void {
    this.targetRuns = true;
    this.targetHasRun = true;
  }

  get size(): number {
    return CHUNKS;
  }

  /** The guest writes, where it runs. */
  guestWrites(): void {
    if (this.power === 'off') return;
    this.writes += 1;
    this.chunks[this.chance.below(CHUNKS)] = this.writes;
  }

  powerOn(): void {
    if (this.power === 'on') return;
    this.power = 'on';
    this.runs += 1;
  }

  get moment(): string | undefined {
    return this.power === 'off' ? `off-${this.runs}` : undefined;
  }

  /** Finds or makes it. Its change id is the number of the last write that it holds. */
  snapshot(name: string): Snapshot {
    const held = this.snapshots.get(name) ?? { at: this.writes, chunks: [...this.chunks] };
    this.snapshots.set(name, held);
    return {
      name,
      id: name,
      // A snapshot that was removed and made again under its name is another moment.
      momentId: `${name}@${held.at}`,
      createdAt: new Date(1_800_000_000_000 + held.at).toISOString(),
      disks: [{ diskId: DISK, changeId: String(held.at) }],
    };
  }

  /** @returns the chunks as they are read; undefined where the snapshot is gone, or the source runs */
  read(snapshot: Snapshot | undefined): readonly number[] | undefined {
    if (snapshot !== undefined) return this.snapshots.get(snapshot.name)?.chunks;
    return this.power === 'off' ? this.chunks : undefined;
  }
}

/** The digest of a simulated chunk manifest is the manifest. */
export const manifestOf = (momentId: string, done: ReadonlySet<number>): string =>
  `${momentId}:${[...done].join()}`;
const doneIn = ({ manifestDigest }: DiskCheckpoint): ReadonlySet<number> =>
  new Set([...manifestDigest.slice(manifestDigest.lastIndexOf(':') + 1).matchAll(/\d+/g)].map(Number));

/** Chunks that a copy has still to write, by the rules of ADR 9. */
export function outstanding(
  read: readonly number[],
  momentId: string,
  checkpoint: DiskCheckpoint | undefined,
): readonly number[] {
  const all = read.map((_, index) => index);
  if (checkpoint === undefined) return all;
  const done = doneIn(checkpoint);
  if (checkpoint.momentId === momentId) return all.filter((index) => !done.has(index));
  if (checkpoint.changeId === undefined) return all;
  const since = Number(checkpoint.changeId);
  return all.filter((index) => !done.has(index) || (read[index] ?? 0) > since);
}
