import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { API_BASE, type MigrationView, type PlanSpecInput, type VmView } from '@ledgerlift/contracts';
import {
  type NatsServer,
  OwnedProcess,
  type TemporaryFolder,
  freePort,
  startNats,
  stubVirtV2v,
  temporaryFolder,
  HANGS_MS,
} from '@ledgerlift/testing';
import { type CallInput, call } from './api.js';
import { root } from './root.js';
import { usualEnds } from './usual-ends.js';

const node = join(root, 'node_modules', '.bin', 'node');
export const SERVICES = ['planner', 'transfer', 'converter', 'vm-creator'] as const;
export type Service = (typeof SERVICES)[number];

export interface InstallationOptions {
  /** Laid over the environment of every service; by default virt-v2v-in-place is a stand-in that takes no time. */
  readonly env?: Readonly<Record<string, string>>;
  /** Secrets of the site, by name: the files of each. */
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** `operator`: each service logs in, and the planner can give worker pods credentials of their own. */
  readonly bus?: 'open' | 'operator';
  /** The folder of the version that runs at first (see `replace`); by default this one. */
  readonly version?: string;
  /** Done once NATS runs, before any service does. */
  readonly beforeServices?: (made: {
    readonly folder: TemporaryFolder;
    readonly nats: NatsServer;
  }) => Promise<void>;
}

export interface PrepareOptions {
  readonly source?: {
    readonly name: string;
    readonly type: string;
    readonly secret?: { readonly name: string };
    readonly settings: object;
  };
  /** By default the folder `out`. */
  readonly target?: NonNullable<PrepareOptions['source']>;
  /** Where the disks go at the target. */
  readonly storageDestination?: object;
  /** Network of the source that its NICs are in. */
  readonly network?: string;
  /** Storage of the source that its disks lie on. */
  readonly storage?: string;
}

const operatorSettings = ({ operator }: NatsServer): Readonly<Record<string, string>> =>
  operator === undefined
    ? {}
    : {
        LEDGERLIFT_NATS_CREDS: operator.servicesCreds,
        LEDGERLIFT_NATS_SIGNING_SEED_FILE: operator.signingSeedFile,
        LEDGERLIFT_NATS_ACCOUNT: operator.account,
      };

/** A whole Ledgerlift of its own: nats-server and the four services as separate processes, in a temporary folder. */
export class Installation implements AsyncDisposable {
  readonly #others: OwnedProcess[] = [];

  private constructor(
    readonly folder: TemporaryFolder,
    readonly nats: NatsServer,
    private readonly services: Map<Service, OwnedProcess>,
    readonly url: string,
    private readonly start: (name: Service, port: number) => Promise<OwnedProcess>,
  ) {}

  /** Ends a service of another version, and starts this version's in its place. */
  async replace(name: Service): Promise<void> {
    await this.service(name).stop();
    const port = name === 'planner' ? Number(new URL(this.url).port) : 0;
    this.services.set(name, await this.start(name, port));
  }

  /** Another planner on the same log; ended with the installation. */
  async startSecondPlanner(): Promise<{ readonly process: OwnedProcess; readonly url: string }> {
    const port = await freePort();
    const process = await this.start('planner', port);
    this.#others.push(process);
    return { process, url: `http://127.0.0.1:${port}` };
  }

  static async start({
    env = {},
    secrets = {},
    bus = 'open',
    version = root,
    beforeServices,
  }: InstallationOptions = {}): Promise<Installation> {
    const folder = temporaryFolder('e2e');
    for (const name of ['ovas', 'out', 'data', 'secrets']) mkdirSync(folder.file(name));
    for (const [name, files] of Object.entries(secrets)) {
      mkdirSync(folder.file('secrets', name));
      for (const [key, content] of Object.entries(files))
        writeFileSync(folder.file('secrets', name, key), content);
    }
    const nats = await startNats({
      ...(process.env['LEDGERLIFT_NATS'] === 'newest' ? { version: 'newest' } : {}),
      ...(bus === 'operator' ? { operator: true } : {}),
    });
    await beforeServices?.({ folder, nats });
    const port = await freePort();
    const common = {
      ...process.env,
      // Jest's own options are not for the services.
      NODE_OPTIONS: '',
      LEDGERLIFT_NATS_URL: nats.url,
      ...operatorSettings(nats),
      LEDGERLIFT_DATA_DIR: folder.file('data'),
      LEDGERLIFT_SECRETS_DIR: folder.file('secrets'),
      LEDGERLIFT_LEASE_MS: '2500',
      LEDGERLIFT_UNCLAIMED_MS: '2000',
      LEDGERLIFT_CHECKPOINT_MS: '100',
      LEDGERLIFT_CHECKPOINT_BYTES: String(1024 * 1024),
      LEDGERLIFT_V2V_COMMAND: stubVirtV2v,
      // Where no guest is in the disks, there is nothing to read of it.
      LEDGERLIFT_GUESTFISH_COMMAND: 'true',
      LEDGERLIFT_V2V_INSPECTOR_COMMAND: stubVirtV2v,
      ...env,
    };
    const start = (name: Service, port: number, of = root): Promise<OwnedProcess> =>
      OwnedProcess.start({
        name,
        command: node,
        args: [join(of, 'apps', name, 'dist', 'main.js')],
        env: { ...common, LEDGERLIFT_HTTP_PORT: String(port) },
      });
    const services = new Map<Service, OwnedProcess>();
    for (const name of SERVICES)
      services.set(name, await start(name, name === 'planner' ? port : 0, version));
    const installation = new Installation(folder, nats, services, `http://127.0.0.1:${port}`, start);
    await services.get('planner')?.waitForHttp(`${installation.url}/health/ready`);
    return installation;
  }

  call: <N extends Parameters<typeof call>[1]>(name: N, input?: CallInput) => ReturnType<typeof call<N>> = (
    name,
    input,
  ) => call(this.url, name, input);

  service(name: Service): OwnedProcess {
    const process = this.services.get(name);
    if (process === undefined) throw new Error(`there is no service ${name}`);
    return process;
  }

  /** Providers and mappings between a source (by default the folder `ovas`) and the folder `out`. */
  async prepare(given: PrepareOptions = {}): Promise<void> {
    const usual = usualEnds(this.folder);
    const target = given.target ?? usual.target;
    const { source, storage, network, storageDestination } = {
      ...usual,
      network: 'VM Network',
      storageDestination: { storageClass: 'default' },
      ...given,
    };
    const ends = { source: source.name, target: target.name };
    const networks = {
      kind: 'network',
      name: 'nets',
      ...ends,
      pairs: [{ source: network, destination: { type: 'pod' } }],
    };
    const storages = {
      kind: 'storage',
      name: 'disks',
      ...ends,
      pairs: [{ source: storage, destination: storageDestination }],
    };
    for (const body of [source, target]) await this.call('providers.create', { body });
    for (const body of [networks, storages]) await this.call('mappings.create', { body });
  }

  /** Creates a plan of the given VMs and starts it. @returns the migration's id */
  async migrate(name: string, vms: readonly string[], change: Partial<PlanSpecInput> = {}): Promise<string> {
    const ends = { source: 'files', target: 'out', networkMapping: 'nets', storageMapping: 'disks' };
    const retry = { baseDelayMs: 100 };
    const body = { name, ...ends, retry, vms: vms.map((ref) => ({ ref })), ...change };
    await this.call('plans.create', { body });
    return (await this.call('plans.start', { params: { plan: name } })).id;
  }

  /** @throws when the VM does not come to be so in time */
  async until(migration: string, is: (vm: VmView) => boolean, timeoutMs = HANGS_MS): Promise<VmView> {
    for (const deadline = Date.now() + timeoutMs; ;) {
      const vm = await this.vm(migration);
      if (is(vm)) return vm;
      if (Date.now() > deadline)
        throw new Error(`after ${timeoutMs} ms the VM is ${vm.state}: ${JSON.stringify(vm.pipeline)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Requests an immediate cutover of a warm VM. */
  cutover(migration: string, vm = 0): Promise<VmView> {
    return this.call('vms.cutover', { params: { migration, vm }, body: {} });
  }

  vm(migration: string, vm = 0): Promise<VmView> {
    return this.call('vms.get', { params: { migration, vm } });
  }

  /** The conversion's log, unless another is named; empty where there is none. */
  async log(migration: string, name?: string): Promise<string> {
    const query = name === undefined ? '' : `?name=${encodeURIComponent(name)}`;
    const answer = await fetch(`${this.url}${API_BASE}/migrations/${migration}/vms/0/log${query}`);
    return answer.ok ? answer.text() : '';
  }

  /** @throws when the migration is not over in time, with what its VM does */
  async ended(migration: string, timeoutMs = HANGS_MS): Promise<MigrationView> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const view = await this.call('migrations.get', { params: { migration } });
      if (view.completedAt !== undefined) return view;
      if (Date.now() > deadline) {
        const { state, pipeline } = await this.vm(migration);
        throw new Error(`after ${timeoutMs} ms the VM is ${state}: ${JSON.stringify(pipeline)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** @throws unless the migration succeeds in time, with what the VM says */
  async succeeded(migration: string, timeoutMs = HANGS_MS): Promise<void> {
    const { status } = await this.ended(migration, timeoutMs);
    if (status === 'succeeded') return;
    const { conditions } = await this.vm(migration);
    throw new Error(`the migration ${status}: ${JSON.stringify(conditions)}`);
  }

  /** Resolves when the VM is in the step, or past it. */
  async reached(migration: string, step: string): Promise<void> {
    for (;;) {
      const { pipeline } = await this.vm(migration);
      const found = pipeline.find((each) => each.step === step);
      if (found !== undefined && !['Pending', 'Requested'].includes(found.status)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  get logFile(): string {
    return this.folder.file('data', 'events.db');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.services.values(), ...this.#others];
    await Promise.all(all.map((process) => process.stop()));
    await this.nats.stop();
    // For `scripts/record-history.mjs`: what happened here becomes a history that must replay for ever.
    const kept = process.env['LEDGERLIFT_KEEP_LOG'];
    if (kept !== undefined) cpSync(this.folder.file('data'), kept, { recursive: true });
    await this.folder.remove();
  }
}
