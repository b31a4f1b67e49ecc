import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { PeerFailed, PeerMissing } from '../errors.js';
import { OwnedProcess, freePort } from '../processes/index.js';
import { temporaryFolder } from '../temporary-folder.js';
import { type LabDiskJudge, judgeOf } from './judge.js';
import { type JournalLine, type LabFaultRequest, LabTask, type LabVmRequest } from './wire.js';

export interface LabOptions {
  /** Where all of it lies. A folder that is given is not removed at the end. Short: sockets lie in it. */
  readonly folder?: string;
  /** What a request must bear; by default nothing. */
  readonly token?: string;
  /** By default a free one. Kept over restarts. */
  readonly port?: number;
}

/** An answer of the lab's API. */
export interface LabAnswer {
  readonly status: number;
  readonly body: unknown;
}

// The process runs what `tsc -b` made, from the sources as well as from dist.
const main = fileURLToPath(new URL('../../dist/lab/process/main.js', import.meta.url));
const TASK_MS = 30_000;

/** A hypervisor whose disks really change, as a process of a test. Its address stays the same over restarts. */
export class LabHypervisor implements AsyncDisposable {
  readonly folder: string;
  readonly url: string;
  readonly process: OwnedProcess;
  readonly #token: string | undefined;
  readonly #cleanUp: () => Promise<void>;

  private constructor(
    folder: string,
    url: string,
    owned: OwnedProcess,
    token: string | undefined,
    cleanUp: () => Promise<void>,
  ) {
    this.folder = folder;
    this.url = url;
    this.process = owned;
    this.#token = token;
    this.#cleanUp = cleanUp;
  }

  /** Starts it and waits until it is ready. @throws PeerMissing before a build, PeerFailed when it does not start */
  static async start(options: LabOptions = {}): Promise<LabHypervisor> {
    if (!existsSync(main)) throw new PeerMissing('the lab hypervisor (built by `tsc -b`)', main);
    const port = options.port ?? (await freePort());
    const temporary = options.folder === undefined ? temporaryFolder('lab') : undefined;
    const folder = options.folder ?? temporary?.path ?? '';
    const env = { ...process.env, NODE_OPTIONS: '', LAB_TOKEN: options.token };
    const args = [main, '--folder', folder, '--port', String(port)];
    const owned = await OwnedProcess.start({ name: 'lab', command: process.execPath, args, env });
    const lab = new LabHypervisor(folder, `http://127.0.0.1:${port}`, owned, options.token, async () => {
      await temporary?.remove();
    });
    try {
      await owned.waitForLine(/the lab listens/);
    } catch (error) {
      await lab.stop();
      throw error;
    }
    return lab;
  }

  /** Path of the journal, one JSON object a line. */
  get journalPath(): string {
    return `${this.folder}/journal.jsonl`;
  }

  /** Ends it in order, and removes its folder unless that was given. */
  async stop(): Promise<void> {
    await this.process.stop(15_000);
    await this.process.killGroup();
    await this.#cleanUp();
  }

  /** kill -9 of the process alone; its daemons close their images and end. */
  async kill(): Promise<void> {
    await this.process.kill();
  }

  /** kill -9 of it and its daemons: what they had in memory is lost, as when a host fails. */
  async crash(): Promise<void> {
    await this.process.killGroup();
  }

  /** Starts it again on the same folder and address, after a kill where it still runs. */
  async restart(): Promise<void> {
    await this.process.restart();
    await this.process.waitForLine(/the lab listens/);
  }

  /** One request, whatever the answer. @throws TypeError when there is no answer */
  async request(method: string, path: string, body?: unknown): Promise<LabAnswer> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  /** One request that must be done. @throws PeerFailed */
  async do(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.request(method, path, body);
    if (answer.status === 200) return answer.body;
    const what = `${method} ${path} was answered with ${answer.status} ${JSON.stringify(answer.body)}`;
    throw new PeerFailed('lab', what, this.process.output);
  }

  /** One request that begins a task, and its end. @throws PeerFailed when either fails */
  async run(method: string, path: string, body?: unknown): Promise<void> {
    const begun = LabTask.parse(await this.do(method, path, body));
    for (const deadline = Date.now() + TASK_MS; ;) {
      const task = LabTask.parse(await this.do('GET', `/tasks/${begun.id}`));
      if (task.state === 'succeeded') return;
      if (task.state === 'failed' || Date.now() > deadline)
        throw new PeerFailed('lab', `${path}: ${JSON.stringify(task)}`, this.process.output);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Makes a VM, off. @returns its id */
  async createVm(spec: LabVmRequest): Promise<string> {
    const made = (await this.do('POST', '/vms', spec)) as { readonly id: string };
    return made.id;
  }

  async power(vmId: string, action: 'on' | 'shutdown' | 'force-off'): Promise<void> {
    await this.run('POST', `/vms/${vmId}/power`, { action });
  }

  async createSnapshot(vmId: string, name: string): Promise<void> {
    await this.run('POST', `/vms/${vmId}/snapshots`, { name });
  }

  async removeSnapshot(vmId: string, name: string): Promise<void> {
    await this.run('DELETE', `/vms/${vmId}/snapshots/${encodeURIComponent(name)}`);
  }

  async inject(fault: LabFaultRequest): Promise<void> {
    await this.do('POST', '/faults', fault);
  }

  /** Every line of the journal; works whether it runs or not. */
  async journal(): Promise<readonly JournalLine[]> {
    const text = await readFile(this.journalPath, 'utf8');
    // A last line without an end was cut by a kill.
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as JournalLine);
  }

  /** What a powered-off disk holds, as SHA-256 of its raw bytes; works whether the lab runs or not. */
  diskDigest(vmId: string, diskId: string): Promise<string> {
    return this.#judge(vmId).digest(diskId);
  }

  /** Whether a target holds the same bytes as a powered-off disk; zeros past its end are allowed. */
  compare(vmId: string, diskId: string, target: string, format: 'raw' | 'qcow2'): Promise<boolean> {
    return this.#judge(vmId).compare(diskId, target, format);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #judge(vmId: string): LabDiskJudge {
    return judgeOf(this.folder, vmId);
  }
}
