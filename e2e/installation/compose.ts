import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ApiOperationName, ApiOutput, PlanSpecInput, VmView } from '@ledgerlift/contracts';
import { HANGS_MS, OwnedProcess, type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { type CallInput, call } from './api.js';
import { root } from './root.js';
import { endsInContainers } from './usual-ends.js';

const run = promisify(execFile);
const OUTPUT = 64 * 2 ** 20;
/** Building every image, with the packages of Debian and npm and libguestfs' appliance. */
export const BUILD_MS = 5_400_000;
/** A service that was killed starts again within seconds; a busy machine needs longer. */
const RESTART_MS = 300_000;

const PROJECT = 'ledgerlift';
/** Debian as docker.io has it: without documentation, and without the caches of apt. */
const BASE = 'debian:bookworm-slim';
const WITHOUT = ['doc', 'man', 'locale', 'info', 'lintian'].map(
  (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
);
const APT = [
  'Dir::Cache::pkgcache "";',
  'Dir::Cache::srcpkgcache "";',
  'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };',
].join('\n');
/** The builds trust whom this machine trusts. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

interface Container {
  readonly Name: string;
  readonly RestartCount: number;
  readonly State: { readonly Pid: number; readonly Health?: { readonly Status: string } };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

/** The repository's docker-compose.yml in a clean clone of HEAD, run by a Docker daemon of its own in a temporary folder. */
export class Compose implements AsyncDisposable {
  private constructor(
    readonly folder: TemporaryFolder,
    private readonly daemon: OwnedProcess,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** Starts the daemon and clones the repository. Builds nothing yet. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<Compose> {
    const folder = temporaryFolder('compose');
    for (const name of ['ovas', 'daemon']) mkdirSync(folder.file(name));
    const host = `unix://${folder.file('docker.sock')}`;
    const daemon = await OwnedProcess.start({
      name: 'dockerd',
      command: 'dockerd',
      args: [
        ...['-H', host, '--pidfile', folder.file('docker.pid')],
        ...['--data-root', folder.file('daemon', 'data'), '--exec-root', folder.file('daemon', 'run')],
      ],
      env: process.env,
    });
    const { LEDGERLIFT_USER: _, ...usual } = process.env;
    const compose = new Compose(folder, daemon, {
      ...usual,
      NODE_OPTIONS: '',
      DOCKER_HOST: host,
      COMPOSE_PROJECT_NAME: PROJECT,
      LEDGERLIFT_OVAS: folder.file('ovas'),
      ...env,
    });
    try {
      await daemon.waitForLine(/API listen on/);
      await compose.#importBase();
      await run('git', ['clone', '--quiet', root, folder.file('clone')]);
      return compose;
    } catch (error) {
      await compose[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs docker-compose in the clone. */
  async compose(...args: readonly string[]): Promise<string> {
    const options = { env: this.env, cwd: this.folder.file('clone'), maxBuffer: OUTPUT };
    return (await run('docker-compose', ['--no-ansi', ...args], options)).stdout;
  }

  /** Runs the CLI in the planner's container. @returns what it prints */
  async ledgerlift(args: readonly string[], input: string): Promise<string> {
    const planner = await this.containerOf('planner');
    const running = run('docker', ['exec', '-i', planner, 'ledgerlift', ...args], { env: this.env });
    running.child.stdin?.end(input);
    return (await running).stdout;
  }

  async docker(...args: readonly string[]): Promise<string> {
    return (await run('docker', [...args], { env: this.env, maxBuffer: OUTPUT })).stdout;
  }

  /** Starts a profile, by default the one without `--profile`, and waits until every container is healthy. */
  async up(profile?: string): Promise<void> {
    await this.compose(...profileOption(profile), 'up', '--build', '-d');
    for (const name of await this.containers()) await this.#healthy(name, () => true);
  }

  /** Removes the containers of a profile and their data. */
  async down(profile?: string): Promise<void> {
    await this.compose(...profileOption(profile), 'down', '--volumes', '--timeout', '40');
  }

  /** Names of the running containers. */
  async containers(): Promise<readonly string[]> {
    return (await this.docker('ps', '--format', '{{.Names}}')).trim().split('\n').sort();
  }

  /** The name of a service's only container. */
  async containerOf(service: string): Promise<string> {
    // docker-compose 1 joins the parts of the name with underscores, and docker compose 2 with hyphens.
    const found = (await this.containers()).find((name) =>
      new RegExp(`^${PROJECT}[_-]${service}[_-]1$`).test(name),
    );
    if (found === undefined) throw new Error(`no container of ${service} runs`);
    return found;
  }

  /** Kills the main process of a service's container, and waits until Docker started it again and it is healthy. */
  async kill(service: string): Promise<void> {
    const name = await this.containerOf(service);
    const { State, RestartCount } = await this.inspect(name);
    // `docker kill` would count as a stop by hand, after which Docker restarts nothing.
    process.kill(State.Pid, 'SIGKILL');
    await this.#healthy(name, (container) => container.RestartCount > RestartCount);
  }

  async inspect(name: string): Promise<Container> {
    const [container] = JSON.parse(await this.docker('inspect', name)) as Container[];
    if (container === undefined) throw new Error(`there is no container ${name}`);
    return container;
  }

  async #healthy(name: string, is: (container: Container) => boolean): Promise<void> {
    for (const deadline = Date.now() + RESTART_MS; ;) {
      const container = await this.inspect(name);
      if (is(container) && container.State.Health?.Status === 'healthy') return;
      if (Date.now() > deadline) {
        const { stdout, stderr } = await run('docker', ['logs', '--tail', '50', name], { env: this.env });
        throw new Error(`${name} is not healthy: ${JSON.stringify(container.State)}\n${stdout}${stderr}`);
      }
      await delay(500);
    }
  }

  async #importBase(): Promise<void> {
    const tar = this.folder.file('base.tar');
    await run('mmdebstrap', [
      ...['--quiet', '--variant=minbase', '--include=ca-certificates', ...WITHOUT],
      '--dpkgopt=path-include=/usr/share/doc/*/copyright',
      `--customize-hook=printf %s '${APT}' >"$1/etc/apt/apt.conf.d/docker-clean"`,
      `--customize-hook=cp ${CERTIFICATES} "$1${CERTIFICATES}"`,
      '--customize-hook=rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin',
      ...['bookworm', tar],
    ]);
    await this.docker('import', '--change', `ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`, tar, BASE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Containers outlive their daemon.
    const all = await this.docker('ps', '--all', '--quiet').catch(() => '');
    const ids = all.split('\n').filter((id) => id !== '');
    if (ids.length > 0) await this.docker('rm', '--force', '--volumes', ...ids).catch(() => '');
    await this.daemon.stop(60_000);
    await this.folder.remove();
  }
}

const profileOption = (profile?: string): readonly string[] =>
  profile === undefined ? [] : ['--profile', profile];

/** The planner's API, at whichever of these addresses a planner leads. */
export class ComposeApi {
  constructor(private readonly urls: readonly string[] = ['http://127.0.0.1:7420']) {}

  async call<N extends ApiOperationName>(name: N, input?: CallInput): Promise<ApiOutput<N>> {
    return call(await this.leader(), name, input);
  }

  async createProviders(): Promise<void> {
    const { source, target } = endsInContainers;
    for (const body of [source, target]) await this.call('providers.create', { body });
  }

  async leader(): Promise<string> {
    for (const deadline = Date.now() + RESTART_MS; ;) {
      for (const url of this.urls) {
        const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5000) }).catch(
          () => undefined,
        );
        await answer?.body?.cancel();
        if (answer?.ok === true) return url;
      }
      if (Date.now() > deadline) throw new Error(`no planner is ready at ${this.urls.join(', ')}`);
      await delay(200);
    }
  }

  /** Creates the mappings, and starts a plan of a single VM between the providers. @returns the migration's id */
  async migrate(vm: string, change: Partial<PlanSpecInput> = {}): Promise<string> {
    const { source, storage, target } = endsInContainers;
    const ends = { source: source.name, target: target.name };
    const networks = [{ source: 'VM Network', destination: { type: 'pod' } }];
    const storages = [{ source: storage, destination: { storageClass: 'default' } }];
    const mappings = [
      { kind: 'network', name: 'nets', ...ends, pairs: networks },
      { kind: 'storage', name: 'disks', ...ends, pairs: storages },
    ];
    for (const body of mappings) await this.call('mappings.create', { body });
    const plan = {
      name: 'demo',
      ...ends,
      networkMapping: 'nets',
      storageMapping: 'disks',
      vms: [{ ref: vm }],
    };
    await this.call('plans.create', { body: { ...plan, ...change } });
    return (await this.call('plans.start', { params: { plan: 'demo' } })).id;
  }

  vm(migration: string): Promise<VmView> {
    return this.call('vms.get', { params: { migration, vm: 0 } });
  }

  /** Resolves when the VM's step runs; throws if it is over already. */
  async running(migration: string, step: string): Promise<void> {
    for (;;) {
      const { state, pipeline } = await this.vm(migration);
      const status = pipeline.find((each) => each.step === step)?.status;
      if (status === 'Running') return;
      if (status === undefined || ['Completed', 'Failed', 'Canceled'].includes(status))
        throw new Error(`${step} is ${String(status)} before it could be disturbed, and the VM ${state}`);
      await delay(100);
    }
  }

  /** @throws unless the migration succeeds in time, with what the VM says */
  async succeeded(migration: string, timeoutMs = HANGS_MS): Promise<void> {
    for (const deadline = Date.now() + timeoutMs; ;) {
      const { status, completedAt } = await this.call('migrations.get', { params: { migration } });
      if (status === 'succeeded') return;
      if (completedAt !== undefined || Date.now() > deadline) {
        const { state, pipeline, conditions } = await this.vm(migration);
        throw new Error(
          `the migration ${status}, its VM ${state}: ${JSON.stringify({ pipeline, conditions })}`,
        );
      }
      await delay(500);
    }
  }
}
