import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** A PostgreSQL server of a test's own, in a temporary folder, on a free port of the loopback address. */
export interface PostgresServer {
  readonly port: number;
  /** Creates an empty database. @returns its URL */
  createDatabase(): Promise<string>;
  /** Kills the server with all its processes, as a power cut would. */
  kill(): Promise<void>;
  /** Kills the server, and starts it again. */
  restart(): Promise<void>;
  /** Runs statements as the superuser, in the database `postgres`. @returns the rows of the last one */
  admin(...statements: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Starts a replica, named `replica` where the server waits for its replicas. */
  replicate(): Promise<PostgresServer>;
  stop(): Promise<void>;
}

const DEBIAN = '/usr/lib/postgresql';
const UP_MS = 30_000;

/** Debian's newest version of the server that is installed. @throws Error if there is none */
function programs(): string {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).map(Number) : [];
  if (versions.length === 0) throw new Error(`${DEBIAN} has no server: apt-get install postgresql`);
  return join(DEBIAN, String(Math.max(...versions)), 'bin');
}

/** Arguments of setpriv: neither the server nor PgBouncer runs as root. */
export const notAsRoot = (): readonly string[] =>
  userInfo().uid === 0 ? ['--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];

/** A folder that programs may use which do not run as root. */
export function folderNotOfRoot(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ledgerlift-postgres-'));
  if (userInfo().uid === 0)
    chownSync(folder, Number(spawnSync('id', ['-u', 'postgres'], { encoding: 'utf8' }).stdout), 0);
  return folder;
}

export function startPostgres(): Promise<PostgresServer> {
  return serverWith('initdb', [
    ...['--username', 'ledgerlift', '--auth', 'trust'],
    ...['--encoding', 'UTF8', '--locale', 'C.UTF-8', '--no-sync'],
  ]);
}

/** A server with the data folder that a program makes. */
async function serverWith(
  maker: 'initdb' | 'pg_basebackup',
  args: readonly string[],
): Promise<PostgresServer> {
  const bin = programs();
  const folder = folderNotOfRoot();
  const data = join(folder, 'data');
  const make = [...notAsRoot(), '--', join(bin, maker), '--pgdata', data, ...args];
  const made = spawnSync('setpriv', make, { encoding: 'utf8', cwd: folder });
  if (made.status !== 0) throw new Error(`${maker} failed: ${made.stderr}`);
  const port = await freePort();
  const start = () => startServer(folder, [...notAsRoot(), '--', join(bin, 'postgres'), '-D', data], port);
  let server = await start();
  let databases = 0;
  return {
    port,
    async createDatabase() {
      databases += 1;
      const name = `log_${databases}`;
      await admin(port, (client) => client.query(`CREATE DATABASE ${name}`));
      return urlOf(port, name);
    },
    kill: () => server.kill('SIGKILL'),
    async restart() {
      await server.kill('SIGKILL');
      server = await start();
    },
    admin: (...statements) =>
      admin(port, async (client) => {
        let rows: readonly Readonly<Record<string, unknown>>[] = [];
        for (const statement of statements) ({ rows } = await client.query(statement));
        return rows;
      }),
    replicate: () =>
      serverWith('pg_basebackup', [
        ...['--dbname', `host=127.0.0.1 port=${port} user=ledgerlift application_name=replica`],
        ...['--write-recovery-conf', '--checkpoint', 'fast', '--no-sync'],
      ]),
    async stop() {
      await server.kill('SIGQUIT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const urlOf = (port: number, name: string): string => `postgres://ledgerlift@127.0.0.1:${port}/${name}`;

interface RunningServer {
  kill(signal: 'SIGKILL' | 'SIGQUIT'): Promise<void>;
}

/** After a kill, the server's other processes may live on for a moment, and it does not start before they are gone. */
async function startServer(folder: string, command: readonly string[], port: number): Promise<RunningServer> {
  for (const deadline = Date.now() + UP_MS; ;) {
    const child = spawn(
      'setpriv',
      [
        // The server ends with the test, whatever ends that.
        ...['--pdeathsig', 'KILL', ...command],
        ...[
          '-c',
          `port=${port}`,
          '-c',
          'listen_addresses=127.0.0.1',
          '-c',
          `unix_socket_directories=${folder}`,
        ],
      ],
      { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    const closed = once(child, 'close');
    while (child.exitCode === null) {
      if (await isUp(port))
        return {
          kill: async (signal) => {
            child.kill(signal);
            await closed;
          },
        };
      if (Date.now() > deadline) child.kill('SIGKILL');
      await sleep(50);
    }
    if (Date.now() > deadline) throw new Error(`PostgreSQL is not up: ${output}`);
  }
}

const isUp = (port: number): Promise<boolean> =>
  admin(port, async () => undefined).then(
    () => true,
    () => false,
  );

/** Runs `work` as the superuser, in the database `postgres`. */
async function admin<T>(port: number, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: urlOf(port, 'postgres') });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
