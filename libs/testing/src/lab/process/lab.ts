import { mkdir, readdir, rm } from 'node:fs/promises';
import type { LabVmSpec } from '../wire.js';
import { awaitOrphan } from './engine.js';
import { Faults } from './faults.js';
import { Images } from './images.js';
import { Journal } from './journal.js';
import { Machine } from './machine.js';
import { templatesFolder, vmPaths, vmsFolder } from './paths.js';
import { newRecord, readRecord, writeRecord } from './record.js';
import { Refusal } from './refusal.js';
import { Tasks } from './tasks.js';

/** Everything that one process serves. */
export class Lab {
  readonly tasks = new Tasks();
  readonly faults = new Faults();
  readonly #folder: string;
  readonly #journal: Journal;
  readonly #images: Images;
  readonly #machines = new Map<string, Machine>();
  #next = 1;

  private constructor(folder: string, journal: Journal) {
    this.#folder = folder;
    this.#journal = journal;
    this.#images = new Images(templatesFolder(folder));
  }

  /** Goes on from what the folder holds. @param journal path of the journal */
  static async open(folder: string, journal: string): Promise<Lab> {
    const lab = new Lab(folder, new Journal(journal));
    await mkdir(vmsFolder(folder), { recursive: true });
    lab.#journal.write('lab-started');
    await Promise.all((await readdir(vmsFolder(folder))).map((id) => lab.#recover(id)));
    return lab;
  }

  get machines(): readonly Machine[] {
    return [...this.#machines.values()];
  }

  /** @throws Refusal 404 */
  machine(id: string): Machine {
    const machine = this.#machines.get(id);
    if (machine === undefined) throw new Refusal(404, 'no-such-vm', `there is no VM '${id}'`);
    return machine;
  }

  /** @throws Refusal 409 when the id is taken */
  async create(spec: LabVmSpec): Promise<Machine> {
    while (spec.id === undefined && this.#machines.has(`vm-${this.#next}`)) this.#next++;
    const id = spec.id ?? `vm-${this.#next++}`;
    if (this.#machines.has(id)) throw new Refusal(409, 'id-taken', `there is a VM '${id}' already`);
    const paths = vmPaths(this.#folder, id);
    const machine = new Machine(newRecord(spec, id), paths, this.#journal);
    this.#machines.set(id, machine);
    try {
      await mkdir(paths.folder);
      await this.#images.make(spec.disks, paths);
      await writeRecord(paths.record, machine.record);
    } catch (error) {
      this.#machines.delete(id);
      await rm(paths.folder, { recursive: true, force: true });
      throw error;
    }
    machine.note('vm-created');
    return machine;
  }

  async remove(machine: Machine): Promise<void> {
    this.#machines.delete(machine.record.id);
    await machine.end();
    await rm(machine.paths.folder, { recursive: true, force: true });
    machine.note('vm-deleted');
  }

  noteFault(detail: string): void {
    this.#journal.write('fault', { detail });
  }

  /** Ends every child in order. */
  async close(): Promise<void> {
    await Promise.all(this.machines.map((machine) => machine.end()));
    this.#journal.write('lab-stopped');
  }

  async #recover(id: string): Promise<void> {
    const paths = vmPaths(this.#folder, id);
    await awaitOrphan(paths);
    const record = await readRecord(paths.record).catch(() => undefined);
    if (record === undefined) {
      // It was killed while the VM was being made: nobody was told of it.
      await rm(paths.folder, { recursive: true, force: true });
      return;
    }
    const machine = new Machine(record, paths, this.#journal);
    this.#machines.set(id, machine);
    if (record.power === 'on') {
      await machine.update({ power: 'off' });
      machine.note('power-lost', { detail: 'the lab was ended' });
    }
    if (record.snapshots.length > 0) await machine.engine();
    if (record.power === 'on' && record.behaviour.afterCrash === 'on') await machine.powerOn();
  }
}
