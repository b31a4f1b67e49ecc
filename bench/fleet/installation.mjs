// A planner, a nats-server and a worker process, as they are, and the API through which a fleet is asked for.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fork, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { apiOperations } from '@ledgerlift/contracts';
import { freePort, startNats, temporaryFolder } from '@ledgerlift/testing';
import { startLab } from './lab.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
/** Enough that the planner never waits for a worker. */
const AT_ONCE = 100;
const GIVE_UP_MS = 30 * 60_000;

/** A folder, whose steps are all done by workers that are done at once. */
const folderAsTarget = {
  secrets: {},
  target: ({ folder }) => ({ type: 'directory', settings: { path: folder.file('out') } }),
  destination: { storageClass: 'default' },
  plan: {},
  /** Services that are done at once; the others run as they are. */
  instant: ['transfer', 'converter', 'vm-creator'],
};

export class Fleet {
  static async start(count, end = folderAsTarget) {
    const folder = temporaryFolder('bench-fleet');
    await Promise.all(['out', 'data', 'secrets'].map((name) => mkdir(folder.file(name))));
    const fleet = new Fleet();
    try {
      fleet.folder = folder;
      fleet.end = end;
      for (const [name, files] of Object.entries(end.secrets)) {
        await mkdir(folder.file('secrets', name));
        for (const [key, content] of Object.entries(files))
          await writeFile(folder.file('secrets', name, key), content, { mode: 0o600 });
      }
      fleet.lab = await startLab(count);
      fleet.nats = await startNats(end.nats);
      fleet.port = await freePort();
      await fleet.startPlanner();
      if (end.instant.length > 0)
        fleet.workers = fork(join(import.meta.dirname, 'worker.mjs'), end.instant, {
          env: fleet.environment({ LEDGERLIFT_SLOTS: String(AT_ONCE) }),
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        });
      if (fleet.workers !== undefined) await once(fleet.workers, 'message');
      fleet.others = ['transfer', 'converter', 'vm-creator']
        .filter((name) => !end.instant.includes(name))
        .map((name) =>
          fleet.startService(name, { LEDGERLIFT_SLOTS: String(AT_ONCE), LEDGERLIFT_HTTP_PORT: '0' }),
        );
      await fleet.createPlan();
      return fleet;
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  get logFile() {
    return this.folder.file('data/events.db');
  }

  environment(more) {
    return {
      ...process.env,
      LEDGERLIFT_EXTENSIONS: '@ledgerlift/testing-extensions',
      LEDGERLIFT_NATS_URL: this.nats.url,
      LEDGERLIFT_SECRETS_DIR: this.folder.file('secrets'),
      ...operatorSettings(this.nats),
      LEDGERLIFT_LOG_LEVEL: 'error',
      ...more,
    };
  }

  startService(name, settings) {
    const profile = process.env.FLEET_PROFILE;
    const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    return spawn(process.execPath, [...flags, join(ROOT, 'apps', name, 'dist', 'main.js')], {
      env: this.environment(settings),
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  /** @returns seconds from the start of the process until it is ready */
  async startPlanner() {
    const begun = performance.now();
    this.planner = this.startService('planner', {
      LEDGERLIFT_DATA_DIR: this.folder.file('data'),
      LEDGERLIFT_HTTP_PORT: String(this.port),
      LEDGERLIFT_MAX_RUNNING_VMS: String(AT_ONCE),
    });
    await until(async () => {
      if (this.planner.exitCode !== null) throw new Error('the planner did not start');
      return (await fetch(`http://127.0.0.1:${this.port}/health/ready`).catch(() => undefined))?.ok;
    }, 20);
    return (performance.now() - begun) / 1000;
  }

  /** kill -9. */
  async killPlanner() {
    this.planner.kill('SIGKILL');
    await once(this.planner, 'close');
  }

  /** MiB: the most that the planner's process has held since it started, or what it holds now. */
  memory(field) {
    const status = readFileSync(`/proc/${this.planner.pid}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)[1]) / 1024;
  }

  async call(name, body = {}, params = {}) {
    const { method, path } = apiOperations[name];
    const url = `http://127.0.0.1:${this.port}/api/v1${path.replaceAll(/:(\w+)/g, (_, field) => params[field])}`;
    const response = await fetch(url, {
      method,
      ...(method === 'GET'
        ? {}
        : {
            headers: { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() },
            body: JSON.stringify(body),
          }),
    });
    if (!response.ok) throw new Error(`${name}: ${(await response.text()).slice(0, 2000)}`);
    return response.json();
  }

  async createPlan() {
    const ends = { source: 'lab', target: 'out' };
    await this.call('providers.create', { name: 'lab', type: 'x-lab', settings: { url: this.lab.url } });
    await this.call('providers.create', { name: 'out', ...this.end.target(this) });
    await this.call('mappings.create', {
      ...{ kind: 'network', name: 'nets', ...ends },
      pairs: [{ source: 'VM Network', destination: { type: 'pod' } }],
    });
    await this.call('mappings.create', {
      ...{ kind: 'storage', name: 'disks', ...ends },
      pairs: [{ source: 'ssd', destination: this.end.destination }],
    });
    await this.call('plans.create', {
      ...{ name: 'fleet', ...ends, networkMapping: 'nets', storageMapping: 'disks' },
      skipGuestConversion: true,
      maxConcurrentMigrations: AT_ONCE,
      ...this.end.plan,
      vms: this.lab.names.map((ref) => ({ ref })),
    });
  }

  /** @returns the migration's id */
  async startPlan() {
    return (await this.call('plans.start', {}, { plan: 'fleet' })).id;
  }

  migration(id) {
    return this.call('migrations.get', undefined, { migration: id });
  }

  /** Resolves with the migration's view once it is as wanted. */
  async reaches(id, wanted, everyMs = 250) {
    let view;
    await until(async () => {
      view = await this.migration(id);
      return wanted(view);
    }, everyMs);
    return view;
  }

  async stop() {
    for (const child of [this.planner, this.workers, ...(this.others ?? [])]) {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) continue;
      child.kill();
      await once(child, 'close');
    }
    await this.nats?.stop();
    await this.lab?.stop();
    if (process.env.FLEET_KEEP === undefined || !existsSync(this.logFile)) await this.folder.remove();
  }
}

const operatorSettings = ({ operator }) =>
  operator === undefined
    ? {}
    : {
        LEDGERLIFT_NATS_CREDS: operator.servicesCreds,
        LEDGERLIFT_NATS_SIGNING_SEED_FILE: operator.signingSeedFile,
        LEDGERLIFT_NATS_ACCOUNT: operator.account,
      };

async function until(condition, everyMs) {
  const deadline = performance.now() + GIVE_UP_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the fleet does not get on');
    await delay(everyMs);
  }
}
