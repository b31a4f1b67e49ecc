import { setTimeout as delay } from 'node:timers/promises';
import type { JournalLine, LabVmRecord } from '../wire.js';
import { type Engine, startEngine } from './engine.js';
import { beginJobs, exportLayers, openLayers, removeLayerFiles } from './fleece.js';
import type { Journal } from './journal.js';
import type { VmPaths } from './paths.js';
import { withoutTracking, writeRecord } from './record.js';
import { Guest } from './qemu-guest.js';
import { Refusal } from './refusal.js';
import { foundBitmaps } from './tracking.js';
import { Workload } from './workload.js';

const JOURNAL_MS = 1000;

/** One VM: its record, the child that holds its disks, and the workload while it is on. */
export class Machine {
  readonly paths: VmPaths;
  readonly #journal: Journal;
  #record: LabVmRecord;
  #engine: Engine | undefined;
  #workload: Workload | undefined;
  #guest: Guest | undefined;
  #writtenTimer: NodeJS.Timeout | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #ending = false;

  constructor(record: LabVmRecord, paths: VmPaths, journal: Journal) {
    this.#record = record;
    this.paths = paths;
    this.#journal = journal;
  }

  get record(): LabVmRecord {
    return this.#record;
  }

  /** Real software, where such is what runs in it now. */
  get guest(): Guest | undefined {
    return this.#guest;
  }

  /** One change of a VM after the other, as a host does it. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Changes the record: on disk when this resolves. */
  async update(change: Partial<LabVmRecord>): Promise<void> {
    await this.replace({ ...this.#record, ...change });
  }

  /** The file first: what the API answers is never ahead of what the disks' judge reads. In turn only. */
  async replace(record: LabVmRecord): Promise<void> {
    await writeRecord(this.paths.record, record);
    this.#record = record;
  }

  /** Writes a line about this VM, after one with what its disks were written until now. */
  note(effect: JournalLine['effect'], more: Omit<JournalLine, 'time' | 'effect' | 'vm'> = {}): void {
    this.#noteWritten();
    this.#journal.write(effect, { vm: this.#record.id, ...more });
  }

  /** The child that holds the disks, started when it is first needed. In turn only. */
  async engine(): Promise<Engine> {
    if (this.#engine !== undefined) return this.#engine;
    const engine = await startEngine(this.#record, this.paths);
    this.#engine = engine;
    void engine.ended.then(() => this.#engineEnded(engine));
    engine.qmp.listen(({ event, data }) => {
      // Only a machine with a guest in it says so.
      if (event === 'SHUTDOWN' && data['guest'] === true)
        void this.inTurn(() => this.powerOff('by its guest'));
    });
    try {
      await this.#takeUp(engine);
    } catch (error) {
      this.#engine = undefined;
      await engine.stop();
      throw error;
    }
    return engine;
  }

  /** Goes on with what the engine before was doing: recording changes, and holding the moments of snapshots. */
  async #takeUp(engine: Engine): Promise<void> {
    if ((await foundBitmaps(engine, this.#record)) === 'lost') await this.#tell();
    const snapshots = this.#record.snapshots
      .filter(({ broken }) => !broken)
      .map((each) => ({ ...each, layers: each.layers + 1 }));
    for (const snapshot of snapshots) {
      await openLayers(engine, this.#record, this.paths, snapshot);
      await engine.qmp.execute('transaction', { actions: beginJobs(this.#record, snapshot) });
      await exportLayers(engine, this.#record, snapshot.number);
      const others = this.#record.snapshots.map((each) =>
        each.number === snapshot.number ? snapshot : each,
      );
      await this.update({ snapshots: others });
    }
  }

  async powerOn(): Promise<void> {
    if (this.#record.power === 'on') return;
    await delay(this.#record.behaviour.powerOnMs);
    const engine = await this.engine();
    await this.update({ power: 'on', boots: this.#record.boots + 1 });
    this.note('power-on');
    if (this.#record.engine === 'qemu') {
      this.#guest = await Guest.start(engine, this.paths, this.#record);
      return;
    }
    this.#workload = await Workload.start(this.#record, engine.nbdSocket, () => {
      void this.inTurn(() => this.#powerLost());
    });
    this.#writtenTimer = setInterval(() => this.#noteWritten(), JOURNAL_MS);
  }

  /** Off, with all that was written flushed to the images. */
  async powerOff(how: string): Promise<void> {
    if (this.#record.power === 'off') return;
    await this.#quiet();
    await this.update({ power: 'off' });
    this.note('power-off', { detail: how });
  }

  /** What a host does with a guest that was asked to end: nothing but to ask. */
  async askShutdown(): Promise<void> {
    const { ignoresShutdown, shutdownMs } = this.#record.behaviour;
    if (this.#record.power === 'off') throw new Refusal(409, 'not-on', `${this.#record.id} is not on`);
    this.note('shutdown-asked');
    if (ignoresShutdown) {
      this.note('shutdown-ignored');
      return;
    }
    if (this.#guest !== undefined) {
      this.#guest.askShutdown();
      return;
    }
    const mine = this.#workload;
    setTimeout(() => {
      // In turn, and only for the run that was asked: it may have been forced off and started again meanwhile.
      void this.inTurn(() => (mine === this.#workload ? this.powerOff('shutdown') : Promise.resolve()));
    }, shutdownMs);
  }

  /** Ends the child in order. A VM that is on stays so in the record. */
  async end(): Promise<void> {
    this.#ending = true;
    await this.#quiet();
    const engine = this.#engine;
    this.#engine = undefined;
    await engine?.stop();
    this.#noteWritten();
  }

  async #quiet(): Promise<void> {
    clearInterval(this.#writtenTimer);
    await this.#guest?.stop();
    this.#guest = undefined;
    const workload = this.#workload;
    if (workload === undefined) return;
    await workload.stop();
    this.#noteWritten();
    this.#workload = undefined;
  }

  /** The images say that the child before was killed: what it had in memory is lost. */
  async #tell(): Promise<void> {
    for (const { number, layers } of this.#record.snapshots)
      await removeLayerFiles(this.#record, this.paths, number, layers);
    const snapshots = this.#record.snapshots.map((each) => ({ ...each, broken: true }));
    await this.replace({ ...withoutTracking(this.#record), snapshots });
    this.note('snapshots-broken', { detail: 'the images were not closed in order' });
    this.note('cbt-reset', { detail: 'the images were not closed in order' });
  }

  #noteWritten(): void {
    const written = this.#workload?.take();
    if (written === undefined) return;
    for (const [disk, bytes] of written.bytes)
      this.#journal.write('disk-written', { vm: this.#record.id, disk, bytes, round: written.round });
  }

  #engineEnded(engine: Engine): void {
    if (this.#ending || this.#engine !== engine) return;
    this.#engine = undefined;
    void this.inTurn(() => this.#powerLost());
  }

  async #powerLost(): Promise<void> {
    if (this.#ending || this.#record.power === 'off') return;
    await this.#quiet();
    await this.update({ power: 'off' });
    this.note('power-lost', { detail: 'the daemon has ended' });
  }
}
