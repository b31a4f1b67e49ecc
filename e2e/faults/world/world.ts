import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startKurrent, startPostgres } from '@ledgerlift/event-log/servers';
import {
  LabHypervisor,
  type TemporaryFolder,
  freePort,
  stubVirtV2v,
  temporaryFolder,
} from '@ledgerlift/testing';
import { call } from '../../installation/api.js';
import { root, testingExtensions } from '../../installation/root.js';
import { HookAnswers, HookJournal } from '../rules/answers.js';
import { Bus, type BusKind, type ServiceProxies } from './bus.js';
import { SERVICES, type Service, SupervisedService } from './service.js';
import { Storage } from './storage.js';

export const LEASE_MS = 2000;
const TARGET_MIB = 256;
const LOG_MIB = 64;

export const ENGINES = ['sqlite', 'postgres', 'kurrentdb'] as const;
export type Engine = (typeof ENGINES)[number];

/** What the installation of a world consists of. */
export interface WorldOptions {
  /** Whether disks can be mounts. */
  readonly mounts: boolean;
  /** Of the event log. A database has two planners. */
  readonly engine: Engine;
  readonly bus: BusKind;
}

/** The server of the event log, which can be killed. */
interface Database {
  readonly url: string;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

async function startDatabase(engine: Engine): Promise<Database | undefined> {
  if (engine === 'sqlite') return undefined;
  if (engine === 'postgres') {
    const server = await startPostgres();
    return { ...server, url: await server.createDatabase() };
  }
  const server = await startKurrent();
  return { ...server, url: server.newUrl() };
}

/** A process of a service, with its connections to NATS. */
interface Member {
  readonly name: Service;
  readonly service: SupervisedService;
  readonly proxies: ServiceProxies;
  readonly url: string;
}

/** A Ledgerlift with all that it talks to, each of them a process of its own that can be harmed. */
export class World implements AsyncDisposable {
  private constructor(
    readonly folder: TemporaryFolder,
    readonly target: Storage,
    readonly data: Storage,
    readonly bus: Bus,
    readonly database: Database | undefined,
    /** Where the event log is: the path of its file, or the URL of its database. */
    readonly log: string,
    readonly lab: LabHypervisor,
    readonly members: readonly Member[],
    readonly answers: HookAnswers,
    readonly hookJournal: HookJournal,
  ) {}

  static async start({ mounts, engine, bus: kind }: WorldOptions): Promise<World> {
    const folder = temporaryFolder('faults');
    for (const name of ['ovas', 'tmp', 'logs', 'lab', 'work']) await mkdir(folder.file(name));
    const target = await Storage.at(folder.file('out'), mounts ? TARGET_MIB : undefined);
    const data = await Storage.at(folder.file('data'), mounts ? LOG_MIB : undefined);
    const bus = await Bus.start(kind);
    const database = await startDatabase(engine);
    const url = database?.url;
    const lab = await LabHypervisor.start({ folder: folder.file('lab') });
    const hookJournal = new HookJournal(folder.file('work', 'hooks'));
    const answers = await HookAnswers.start(hookJournal);
    const members: Member[] = [];
    for (const name of [...SERVICES, ...(url === undefined ? [] : (['planner'] as const))]) {
      const proxies = await bus.proxies();
      const port = await freePort();
      const spec = {
        name,
        command: join(root, 'node_modules', '.bin', 'node'),
        args: [join(root, 'apps', name, 'dist', 'main.js')],
        env: {
          ...environment(folder),
          ...bus.settings,
          ...(url === undefined ? {} : { LEDGERLIFT_LOG_URL: url }),
          LEDGERLIFT_NATS_URL: proxies.url,
          LEDGERLIFT_HTTP_PORT: String(port),
        },
      };
      const service = await SupervisedService.start(
        spec,
        folder.file('logs', `${name}-${members.length}.log`),
      );
      members.push({ name, service, proxies, url: `http://127.0.0.1:${port}` });
    }
    const log = url ?? folder.file('data', 'events.db');
    const world = new World(folder, target, data, bus, database, log, lab, members, answers, hookJournal);
    await world.ready();
    await world.#prepare();
    return world;
  }

  get conversionJournal(): string {
    return this.folder.file('work', 'conversions');
  }

  /** What a fault of a service hits: of two planners the one that leads. */
  async member(name: Service): Promise<Member> {
    const all = this.members.filter((each) => each.name === name);
    const ready = await Promise.all(all.map(({ url }) => isReady(url)));
    const hit = all[Math.max(0, ready.indexOf(true))];
    if (hit === undefined) throw new Error(`there is no service ${name}`);
    return hit;
  }

  call: <N extends Parameters<typeof call>[1]>(
    name: N,
    input?: Parameters<typeof call>[2],
  ) => ReturnType<typeof call<N>> = (name, input) => call(this.#planners, name, input);

  /** What is done to a process that has no supervisor is done one after the other. */
  inLabTurn = turns();
  inDatabaseTurn = turns();

  get #planners(): readonly string[] {
    return this.members.filter(({ name }) => name === 'planner').map(({ url }) => url);
  }

  /** Everything as it is when nothing is broken. */
  async heal(): Promise<void> {
    for (const { proxies, service } of this.members) {
      proxies.pass();
      service.process.resume();
    }
    await Promise.all([this.target.restore(), this.data.restore(), this.bus.heal()]);
    await this.inDatabaseTurn(() => Promise.resolve());
    await this.inLabTurn(async () => {
      if (!this.lab.process.alive) await this.lab.restart();
    });
    await this.lab.do('DELETE', '/faults');
    await this.ready();
  }

  async ready(): Promise<void> {
    for (const deadline = Date.now() + 60_000; ;) {
      const ready = await Promise.all(this.#planners.map(isReady));
      if (ready.includes(true)) return;
      if (Date.now() > deadline) throw new Error('the planner does not get ready');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** A copy of all there is, for who looks into a finding. */
  async keep(at: string): Promise<void> {
    await Promise.all(this.members.map(({ service }) => service.keepOutput()));
    const lines = this.lab.process.output.join('\n');
    await writeFile(this.folder.file('logs', 'lab.log'), lines);
    await mkdir(at, { recursive: true });
    // Sockets cannot be copied.
    await cp(this.folder.path, at, {
      recursive: true,
      filter: (path) => !/\/(nbd|tty|qmp)$|\.sock$/.test(path) && !path.startsWith(this.folder.file('tmp')),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map(({ service }) => service[Symbol.asyncDispose]()));
    await Promise.all(this.members.map(({ proxies }) => proxies[Symbol.asyncDispose]()));
    await this.answers[Symbol.asyncDispose]();
    await this.lab.stop();
    await this.bus[Symbol.asyncDispose]();
    await this.database?.stop();
    await this.target[Symbol.asyncDispose]();
    await this.data[Symbol.asyncDispose]();
    await this.folder.remove();
  }

  async #prepare(): Promise<void> {
    const providers = [
      { name: 'ova', type: 'ova', settings: { path: this.folder.file('ovas') } },
      { name: 'lab', type: 'x-lab', settings: { url: this.lab.url } },
      { name: 'out', type: 'directory', settings: { path: this.folder.file('out'), diskFormat: 'raw' } },
    ];
    for (const body of providers) await this.call('providers.create', { body });
    const pod = { type: 'pod' };
    const storage = { storageClass: 'default' };
    for (const [source, store] of [
      ['ova', 'ova'],
      ['lab', 'datastore1'],
    ] as const) {
      const ends = { source, target: 'out' };
      const networks = [{ source: 'VM Network', destination: pod }];
      const storages = [{ source: store, destination: storage }];
      await this.call('mappings.create', {
        body: { kind: 'network', name: `${source}-nets`, ...ends, pairs: networks },
      });
      await this.call('mappings.create', {
        body: { kind: 'storage', name: `${source}-disks`, ...ends, pairs: storages },
      });
    }
  }
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2000) }).catch(
    () => undefined,
  );
  await answer?.body?.cancel();
  return answer?.ok === true;
}

function turns(): (work: () => Promise<void>) => Promise<void> {
  let turn: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };
}

const environment = (folder: TemporaryFolder): NodeJS.ProcessEnv => ({
  ...process.env,
  NODE_OPTIONS: '',
  TMPDIR: folder.file('tmp'),
  ...testingExtensions,
  LEDGERLIFT_DATA_DIR: folder.file('data'),
  LEDGERLIFT_LEASE_MS: String(LEASE_MS),
  LEDGERLIFT_UNCLAIMED_MS: '1500',
  LEDGERLIFT_CHECKPOINT_MS: '100',
  LEDGERLIFT_CHECKPOINT_BYTES: String(1024 * 1024),
  LEDGERLIFT_BOOT_TIMEOUT_S: '1',
  LEDGERLIFT_V2V_COMMAND: join(root, 'e2e', 'faults', 'world', 'journaling-virt-v2v.sh'),
  // There is no guest in its disks.
  LEDGERLIFT_GUESTFISH_COMMAND: 'true',
  LEDGERLIFT_HOOKS_DIR: join(root, 'e2e', 'faults', 'rules', 'commands'),
  V2V_STUB: stubVirtV2v,
  V2V_JOURNAL: folder.file('work', 'conversions'),
  V2V_SECONDS_FILE: folder.file('work', 'seconds'),
});
