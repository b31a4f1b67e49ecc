import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  LabHypervisor,
  type NatsServer,
  type TemporaryFolder,
  freePort,
  startNats,
  stubVirtV2v,
  temporaryFolder,
} from '@ledgerlift/testing';
import { call } from '../../installation/api.js';
import { root, testingExtensions } from '../../installation/root.js';
import { HookAnswers, HookJournal } from '../rules/answers.js';
import { Proxy } from './proxy.js';
import { SERVICES, type Service, SupervisedService } from './service.js';
import { Storage } from './storage.js';

export const LEASE_MS = 2000;
const TARGET_MIB = 256;
const LOG_MIB = 64;

/** A Ledgerlift with all that it talks to, each of them a process of its own that can be harmed. */
export class World implements AsyncDisposable {
  private constructor(
    readonly folder: TemporaryFolder,
    readonly target: Storage,
    readonly data: Storage,
    readonly nats: NatsServer,
    readonly lab: LabHypervisor,
    readonly proxies: ReadonlyMap<Service, Proxy>,
    readonly services: ReadonlyMap<Service, SupervisedService>,
    readonly answers: HookAnswers,
    readonly hookJournal: HookJournal,
    readonly url: string,
  ) {}

  static async start(mounts: boolean): Promise<World> {
    const folder = temporaryFolder('faults');
    for (const name of ['ovas', 'tmp', 'logs', 'lab', 'work']) await mkdir(folder.file(name));
    const target = await Storage.at(folder.file('out'), mounts ? TARGET_MIB : undefined);
    const data = await Storage.at(folder.file('data'), mounts ? LOG_MIB : undefined);
    const nats = await startNats();
    const lab = await LabHypervisor.start({ folder: folder.file('lab') });
    const hookJournal = new HookJournal(folder.file('work', 'hooks'));
    const answers = await HookAnswers.start(hookJournal);
    const port = await freePort();
    const proxies = new Map<Service, Proxy>();
    const services = new Map<Service, SupervisedService>();
    for (const name of SERVICES) {
      const proxy = await Proxy.to(nats.port);
      proxies.set(name, proxy);
      const spec = {
        name,
        command: join(root, 'node_modules', '.bin', 'node'),
        args: [join(root, 'apps', name, 'dist', 'main.js')],
        env: {
          ...environment(folder),
          LEDGERLIFT_NATS_URL: `nats://127.0.0.1:${proxy.port}`,
          LEDGERLIFT_HTTP_PORT: name === 'planner' ? String(port) : '0',
        },
      };
      services.set(name, await SupervisedService.start(spec, folder.file('logs', `${name}.log`)));
    }
    const url = `http://127.0.0.1:${port}`;
    const world = new World(folder, target, data, nats, lab, proxies, services, answers, hookJournal, url);
    await world.ready();
    await world.#prepare();
    return world;
  }

  get logFile(): string {
    return this.folder.file('data', 'events.db');
  }

  get conversionJournal(): string {
    return this.folder.file('work', 'conversions');
  }

  service(name: Service): SupervisedService {
    const service = this.services.get(name);
    if (service === undefined) throw new Error(`there is no service ${name}`);
    return service;
  }

  call: <N extends Parameters<typeof call>[1]>(
    name: N,
    input?: Parameters<typeof call>[2],
  ) => ReturnType<typeof call<N>> = (name, input) => call(this.url, name, input);

  /** What is done to a process that has no supervisor is done one after the other. */
  inNatsTurn = turns();
  inLabTurn = turns();

  /** Everything as it is when nothing is broken. */
  async heal(): Promise<void> {
    this.nats.resume();
    for (const proxy of this.proxies.values()) proxy.pass();
    for (const { process } of this.services.values()) process.resume();
    await Promise.all([this.target.restore(), this.data.restore()]);
    await this.inNatsTurn(async () => {
      if (!this.nats.process.alive) await this.nats.restart();
    });
    await this.inLabTurn(async () => {
      if (!this.lab.process.alive) await this.lab.restart();
    });
    await this.lab.do('DELETE', '/faults');
    await this.ready();
  }

  async ready(): Promise<void> {
    for (const deadline = Date.now() + 60_000; ;) {
      const answer = await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(2000) }).catch(
        () => undefined,
      );
      await answer?.body?.cancel();
      if (answer?.ok === true) return;
      if (Date.now() > deadline) throw new Error('the planner does not get ready');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** A copy of all there is, for who looks into a finding. */
  async keep(at: string): Promise<void> {
    await Promise.all([...this.services.values()].map((service) => service.keepOutput()));
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
    await Promise.all([...this.services.values()].map((service) => service[Symbol.asyncDispose]()));
    await Promise.all([...this.proxies.values()].map((proxy) => proxy[Symbol.asyncDispose]()));
    await this.answers[Symbol.asyncDispose]();
    await this.lab.stop();
    await this.nats.stop();
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
