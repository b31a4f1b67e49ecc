import { mkdir, rm, writeFile } from 'node:fs/promises';
import { freePort, OwnedProcess } from '../processes/index.js';
import { temporaryFolder } from '../temporary-folder.js';
import { makeOperator, type OperatorFiles } from './operator.js';
import { natsBinary, type NatsVersion, wantedNatsVersion } from './nats-binaries.js';

export interface NatsOptions {
  /** Which server; by default what LEDGERLIFT_NATS asks for, else Debian's. */
  readonly version?: NatsVersion;
  /** Where JetStream keeps its data. A folder that is given is not removed at the end. */
  readonly storeDir?: string;
  /** By default a free one. Kept over restarts. */
  readonly port?: number;
  /** What a client must show; by default nothing. */
  readonly auth?: { readonly user: string; readonly password: string } | { readonly token: string };
  /** Whether users show JWTs, which an account signs; then `nats.operator` has what they need. */
  readonly operator?: true;
  /** Makes it a node of a cluster: see `NatsCluster`. */
  readonly cluster?: NodeOfCluster;
}

export interface NodeOfCluster {
  readonly name: string;
  /** Where the other nodes connect. */
  readonly port: number;
  /** The ports on this machine that lead to the other nodes. */
  readonly routes: readonly number[];
}

/** A real nats-server with JetStream on 127.0.0.1. Its port stays the same whatever is done to it. */
export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Of a node of a cluster: where it answers questions about its health. */
  readonly monitoringUrl: string | undefined;
  readonly version: NatsVersion;
  readonly storeDir: string;
  readonly process: OwnedProcess;
  /** What was made for `operator: true`. */
  readonly operator: OperatorFiles | undefined;
  /** Ends it, and removes its data unless the folder was given. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void>;
  resume(): void;
  /** kill -9 where it runs, then starts again on the same data. */
  restart(): Promise<void>;
  /** kill -9, the loss of the whole data folder, and a new start. */
  wipeAndRestart(): Promise<void>;
}

/**
 * Starts a server and waits until it is ready.
 *
 * @throws PeerMissing when the version is not installed, PeerFailed when it does not start
 */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const { version = wantedNatsVersion() } = options;
  const binary = natsBinary(version);
  const port = options.port ?? (await freePort());
  const folder = temporaryFolder('nats');
  const storeDir = options.storeDir ?? folder.file('data');
  await mkdir(storeDir, { recursive: true });
  const config = folder.file('nats.conf');
  // A file, for a password in the arguments could be read by everyone on the machine.
  const made = options.operator === undefined ? undefined : await makeOperator(folder);
  const settings = [authorization(options.auth), ...(made?.configuration ?? [])];
  const monitoring = options.cluster && (await freePort());
  if (options.cluster) settings.push(`http: "127.0.0.1:${monitoring}"`, ...clustered(options.cluster));
  await writeFile(config, configuration(port, storeDir, settings), { mode: 0o600 });
  const server = await OwnedProcess.start({ name: 'nats-server', command: binary, args: ['-c', config] });
  const ready = () => server.waitForLine(/Server is ready/);
  const restart = async () => {
    await server.restart();
    await ready();
  };
  const stop = async () => {
    await server.stop(5000);
    await folder.remove();
  };
  try {
    await ready();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    monitoringUrl: monitoring === undefined ? undefined : `http://127.0.0.1:${monitoring}`,
    version,
    storeDir,
    process: server,
    operator: made?.files,
    stop,
    kill: async () => {
      await server.kill();
    },
    pause: () => server.pause(),
    resume: () => {
      server.resume();
    },
    restart,
    wipeAndRestart: async () => {
      await server.kill();
      await rm(storeDir, { recursive: true, force: true });
      await restart();
    },
    [Symbol.asyncDispose]: stop,
  };
}

function configuration(port: number, storeDir: string, settings: readonly string[]): string {
  const lines = [
    `listen: "127.0.0.1:${port}"`,
    `jetstream { store_dir: ${JSON.stringify(storeDir)} }`,
    ...settings,
  ];
  return `${lines.join('\n')}\n`;
}

function clustered({ name, port, routes }: NodeOfCluster): readonly string[] {
  const urls = routes.map((route) => `"nats-route://127.0.0.1:${route}"`);
  // Nobody is told of an address that bypasses the proxies: neither clients nor, by an address where nobody listens, nodes.
  const hidden = 'no_advertise: true, advertise: "127.0.0.1:1"';
  return [
    `server_name: "${name}"`,
    `cluster { name: "spec", listen: "127.0.0.1:${port}", ${hidden}, routes: [${urls.join(', ')}] }`,
  ];
}

/** Of its own accord the server gives a client two seconds to say who it is, which a busy machine may not have. */
const AUTHORIZATION_TIMEOUT_S = 60;

function authorization(auth: NatsOptions['auth']): string {
  const fields = Object.entries(auth ?? {}).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `authorization { ${[`timeout: ${AUTHORIZATION_TIMEOUT_S}`, ...fields].join(', ')} }`;
}
