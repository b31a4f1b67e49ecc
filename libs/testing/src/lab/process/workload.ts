import { setTimeout as delay } from 'node:timers/promises';
import { seededBytes, seededChoice } from '../../disks/index.js';
import type { LabVmRecord } from '../wire.js';
import { LabNbd } from './nbd.js';
import { names } from './paths.js';

const STAMP_BYTES = 4096;
const PAUSE_MS = 5;
const MAGIC = 'LABSTAMP';

/** The number of the round whose stamp a disk's region begins with; 0 for none. */
export const stampOf = (bytes: Buffer): number =>
  bytes.toString('latin1', 0, MAGIC.length) === MAGIC ? Number(bytes.readBigUInt64BE(MAGIC.length)) : 0;

/** What a workload did since it was last asked. */
export interface Written {
  readonly round: number;
  readonly bytes: ReadonlyMap<string, number>;
}

/**
 * Writes to all disks of a VM that is on.
 *
 * A round first stamps its number on the disks, one after the other, then writes one random block to each. So of
 * two disks at one moment the later one carries the stamp of the earlier, or the one before.
 */
export class Workload {
  readonly #record: LabVmRecord;
  readonly #clients: readonly LabNbd[];
  readonly #choose: (below: number) => number;
  readonly #bytes: (length: number) => Buffer;
  readonly #written = new Map<string, number>();
  #round: number;
  #running = true;
  readonly #loop: Promise<void>;

  private constructor(record: LabVmRecord, clients: readonly LabNbd[], round: number, onFailure: () => void) {
    this.#record = record;
    this.#clients = clients;
    this.#round = round;
    // A row of its own from each round on that it was started at, so that two runs do not write the same.
    this.#choose = seededChoice(record.workload.seed + round);
    this.#bytes = seededBytes(record.workload.seed + 7 * round + 1);
    this.#loop = this.#run().catch(() => {
      if (this.#running) onFailure();
    });
  }

  /** @param onFailure called once when a write fails, which is when the daemon was killed */
  static async start(record: LabVmRecord, nbdSocket: string, onFailure: () => void): Promise<Workload> {
    const clients = await Promise.all(
      record.disks.map((_, disk) => LabNbd.open(nbdSocket, names.writer(disk))),
    );
    // From the disks and not from the record, which a kill may have left behind: no number is used twice.
    const stamps = await Promise.all(
      clients.map(async (client) => stampOf(await client.read(record.workload.regionOffset, STAMP_BYTES))),
    );
    return new Workload(record, clients, Math.max(...stamps), onFailure);
  }

  /** Ends it after the round that it is in, and flushes what it wrote. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
    await Promise.all(this.#clients.map((client) => client.flush().catch(() => undefined)));
    for (const client of this.#clients) client.close();
  }

  /** What was written since the last call. */
  take(): Written {
    const bytes = new Map(this.#written);
    this.#written.clear();
    return { round: this.#round, bytes };
  }

  async #run(): Promise<void> {
    const { roundsPerSecond } = this.#record.workload;
    if (roundsPerSecond === 0) return;
    // A kill between two stamps left the later disk behind.
    await this.#stamp(this.#round);
    const begun = performance.now();
    for (let done = 0; this.#running;) {
      if (((performance.now() - begun) * roundsPerSecond) / 1000 <= done) await delay(PAUSE_MS);
      else {
        await this.#writeRound();
        done++;
      }
    }
  }

  async #writeRound(): Promise<void> {
    const round = this.#round + 1;
    await this.#stamp(round);
    this.#round = round;
    await Promise.all(
      this.#clients.map((client, disk) => this.#write(disk, client, ...this.#randomBlock(disk))),
    );
  }

  async #stamp(round: number): Promise<void> {
    const stamp = Buffer.alloc(STAMP_BYTES);
    stamp.write(MAGIC, 0, 'latin1');
    stamp.writeBigUInt64BE(BigInt(round), 8);
    for (const [disk, client] of this.#clients.entries())
      await this.#write(disk, client, this.#record.workload.regionOffset, stamp);
  }

  #randomBlock(disk: number): [offset: number, bytes: Buffer] {
    const { regionOffset, regionBytes, blockBytes } = this.#record.workload;
    const capacity = this.#record.disks[disk]?.capacityBytes ?? 0;
    const room = Math.min(regionBytes ?? capacity, capacity - regionOffset) - STAMP_BYTES;
    const block = this.#choose(Math.max(1, Math.floor(room / blockBytes)));
    return [regionOffset + STAMP_BYTES + block * blockBytes, this.#bytes(Math.min(blockBytes, room))];
  }

  async #write(disk: number, client: LabNbd, offset: number, bytes: Buffer): Promise<void> {
    await client.write(offset, bytes);
    const id = this.#record.disks[disk]?.id ?? '';
    this.#written.set(id, (this.#written.get(id) ?? 0) + bytes.length);
  }
}
