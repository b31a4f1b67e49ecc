import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Installation, SERVICES } from './installation.js';

const EVERY_MS = 50;
const READY_MS = 30_000;

interface Seen {
  readonly pid: string;
  readonly parent: string;
}

/** Looks, as long as an installation runs, where a password must not be: at its processes, its logs, and what it stores. */
export class SecretWatch {
  /** Where a password was seen, such as `cmdline of nbdkit`. */
  readonly leaks = new Set<string>();
  /** Names of the processes that were looked at. */
  readonly processes = new Set<string>();
  /** Those of them that might have left a core dump. */
  readonly dumpable = new Set<string>();
  #at: Installation | undefined;
  #secrets: readonly string[] = [];
  #ending = false;
  #looking: Promise<void> = Promise.resolve();

  private constructor(private readonly limits: string) {}

  /** Lets this process, and what it starts, leave core dumps: that services leave none is then their own doing. */
  static async withCoreDumps(): Promise<SecretWatch> {
    const [, soft = '0', hard = '0'] =
      /Max core file size\s+(\S+)\s+(\S+)/.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    // Only root may raise what is at most allowed.
    await setLimits('unlimited:unlimited').catch(() => setLimits(`${hard}:${hard}`));
    return new SecretWatch(`${soft}:${hard}`);
  }

  /** Begins once the services have set their own limits. */
  async begin(
    at: Installation,
    { user, password }: { readonly user: string; readonly password: string },
  ): Promise<void> {
    this.#at = at;
    this.#secrets = [
      password,
      encodeURIComponent(password),
      password.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
      Buffer.from(`${user}:${password}`).toString('base64').replace(/=+$/, ''),
    ];
    const deadline = Date.now() + READY_MS;
    for (const pid of this.#services())
      while (mayDump(pid)) {
        if (Date.now() > deadline) throw new Error(`${nameOf(pid)} (${pid}) may leave core dumps`);
        await delay(EVERY_MS);
      }
    this.#looking = this.#watch();
  }

  /** Of all services. */
  lookAtLogs(): void {
    for (const name of SERVICES)
      this.#look(`log of ${name}`, this.#at?.service(name).output.join('\n') ?? '');
  }

  /** In every file that the installation has written, its bus included, but not where secrets belong. */
  lookAtFiles(): number {
    const folders = [this.#at?.folder.path, this.#at?.nats.storeDir].flatMap((each) => each ?? []);
    let count = 0;
    for (const folder of folders)
      for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        const path = join(folder, file);
        if (file.startsWith('secrets') || !statSync(path).isFile()) continue;
        this.#look(`the file ${file}`, readFileSync(path, 'latin1'));
        count += 1;
      }
    return count;
  }

  async end(): Promise<void> {
    this.#ending = true;
    await this.#looking;
    await setLimits(this.limits).catch(() => undefined);
  }

  #services(): readonly string[] {
    return SERVICES.map((name) => String(this.#at?.service(name).pid));
  }

  async #watch(): Promise<void> {
    while (!this.#ending) {
      for (const pid of this.#ours()) this.#lookAtProcess(pid);
      await delay(EVERY_MS);
    }
  }

  /** The services, and all that they started, and what that did. */
  #ours(): readonly string[] {
    const all: Seen[] = readdirSync('/proc').flatMap((pid) => {
      if (!/^\d+$/.test(pid)) return [];
      const stat = textOf(`/proc/${pid}/stat`);
      return [{ pid, parent: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? '' }];
    });
    const ours = new Set(this.#services());
    for (let before = 0; before !== ours.size;) {
      before = ours.size;
      for (const { pid, parent } of all) if (ours.has(parent)) ours.add(pid);
    }
    return [...ours];
  }

  #lookAtProcess(pid: string): void {
    const name = nameOf(pid);
    if (name === '') return;
    this.processes.add(name);
    for (const what of ['cmdline', 'environ'])
      this.#look(`${what} of ${name}`, textOf(`/proc/${pid}/${what}`));
    if (mayDump(pid)) this.dumpable.add(name);
  }

  #look(where: string, text: string): void {
    if (this.#secrets.some((secret) => text.includes(secret))) this.leaks.add(where);
  }
}

const setLimits = (limits: string): Promise<unknown> =>
  promisify(execFile)('prlimit', ['--pid', String(process.pid), `--core=${limits}`]);

/** Empty once the process is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

const nameOf = (pid: string): string => basename(textOf(`/proc/${pid}/cmdline`).split('\0')[0] ?? '');

function mayDump(pid: string): boolean {
  const [, soft, hard] = /Max core file size\s+(\S+)\s+(\S+)/.exec(textOf(`/proc/${pid}/limits`)) ?? [];
  return soft !== undefined && (soft !== '0' || hard !== '0');
}
