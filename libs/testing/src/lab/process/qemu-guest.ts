import type { LabVmRecord } from '../wire.js';
import type { Engine } from './engine.js';
import { GuestConsole } from './guest-console.js';
import type { VmPaths } from './paths.js';
import { Refusal } from './refusal.js';

/** Arguments of a machine with VMware's devices, stopped; its disks are plugged before it runs. */
export function guestArguments(record: LabVmRecord, paths: VmPaths): readonly string[] {
  const mebibytes = Math.ceil(record.memoryBytes / (1024 * 1024));
  const socket = `socket,id=serial,path=${paths.console},server=on,wait=off,logfile=${paths.consoleLog}`;
  return [
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', String(record.cpus), '-m', String(mebibytes)],
    ...['-nodefaults', '-display', 'none', '-S', '-no-shutdown'],
    ...['-device', 'pvscsi,id=scsi0', '-chardev', socket, '-serial', 'chardev:serial'],
  ];
}

/** A guest that runs: real software, which writes what it will. */
export class Guest {
  readonly #engine: Engine;
  readonly #console: GuestConsole;
  #up = false;

  private constructor(engine: Engine, console: GuestConsole, record: LabVmRecord) {
    this.#engine = engine;
    this.#console = console;
    if (record.login === undefined) return;
    void console.logIn(record.login.user, record.login.password).then(
      () => {
        this.#up = true;
      },
      () => undefined,
    );
  }

  /** Lets the machine run from its firmware on. */
  static async start(engine: Engine, paths: VmPaths, record: LabVmRecord): Promise<Guest> {
    const console = await GuestConsole.open(paths.console);
    await engine.qmp.execute('system_reset');
    await engine.qmp.execute('cont');
    return new Guest(engine, console, record);
  }

  /** Whether it is logged in to, so that it can be told something. */
  get isUp(): boolean {
    return this.#up;
  }

  /** @returns what the command printed in the guest @throws Refusal 409 before it is up */
  async run(command: string): Promise<string> {
    if (!this.#up) throw new Refusal(409, 'guest-not-up', 'the guest is not up yet');
    return this.#console.run(command);
  }

  /** Asks it to end, as guest tools would. It may not heed. */
  askShutdown(): void {
    if (this.#up) this.#console.shutDown();
  }

  /** Takes its power. The machine stops with everything flushed that its disks were given. */
  async stop(): Promise<void> {
    this.#console.close();
    await this.#engine.qmp.execute('stop').catch(() => undefined);
  }
}
