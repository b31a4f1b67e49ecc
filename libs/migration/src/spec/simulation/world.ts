import type { DiskCheckpoint, Snapshot } from '@ledgerlift/contracts';
import type { Chance } from '@ledgerlift/testing';

/** Chunks of a simulated disk. Each holds the number of its last write. */
const CHUNKS = 6;
export const DISK = 'd0';

/** What a chunk of the target holds: the source's content, and how many conversions were committed over it. */
export interface TargetChunk {
  readonly write: number;
  readonly converted: number;
}

/**
 * The world outside: one source and one target, in memory. It obeys every action and knows nothing of logs, so that it can
 * judge what the deciders allow.
 */
export class World {
  power: 'on' | 'off' = 'on';
  /** Counts the runs of the source: the contents of a source that is off belong to one of them. */
  runs = 1;
  chunks: number[] = Array.from({ length: CHUNKS }, () => 0);
  writes = 0;
  readonly snapshots = new Map<string, { readonly at: number; readonly chunks: readonly number[] }>();
  target: TargetChunk[] = Array.from({ length: CHUNKS }, () => ({ write: -1, converted: 0 }));
  readonly overlays = new Set<string>();
  targetRuns = false;
  /** It may have written data that exists nowhere else. */
  targetHasRun = false;
  /** It was handed over, running or halted. */
  targetIsLetGo = false;
  targetDisk: 'there' | 'deleted' = 'there';
  /** Whether the source was on when its migration first looked. */
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

  /** The guest writes, if it runs. */
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

  /** Finds or makes a snapshot. Its change id is the number of the last write that it holds. */
  snapshot(name: string): Snapshot {
    const held = this.snapshots.get(name) ?? { at: this.writes, chunks: [...this.chunks] };
    this.snapshots.set(name, held);
    return {
      name,
      id: name,
      // A snapshot that was removed and made again under the same name is another moment.
      momentId: `${name}@${held.at}`,
      createdAt: new Date(1_800_000_000_000 + held.at).toISOString(),
      disks: [{ diskId: DISK, changeId: String(held.at) }],
    };
  }

  /** @returns the chunks as read; undefined if the snapshot is gone, or the source runs */
  read(snapshot: Snapshot | undefined): readonly number[] | undefined {
    if (snapshot !== undefined) return this.snapshots.get(snapshot.name)?.chunks;
    return this.power === 'off' ? this.chunks : undefined;
  }
}

/** A simulated manifest is its own digest. */
export const manifestOf = (momentId: string, done: ReadonlySet<number>): string =>
  `${momentId}:${[...done].join()}`;
const doneIn = ({ manifestDigest }: DiskCheckpoint): ReadonlySet<number> =>
  new Set([...manifestDigest.slice(manifestDigest.lastIndexOf(':') + 1).matchAll(/\d+/g)].map(Number));

/** Chunks that a copy still has to write, by the rules of ADR 9. */
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
