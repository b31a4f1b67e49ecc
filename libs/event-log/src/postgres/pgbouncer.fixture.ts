import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { folderNotOfRoot, freePort, notAsRoot } from '../contract/postgres-server.js';

/** A PgBouncer of a test's own, in front of a server's databases. */
export interface PgBouncer {
  /** The same database, through the bouncer. */
  through(url: string): string;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPgBouncer(
  serverPort: number,
  poolMode: 'session' | 'transaction',
): Promise<PgBouncer> {
  const folder = folderNotOfRoot();
  const port = await freePort();
  const settings = join(folder, 'pgbouncer.ini');
  writeFileSync(
    settings,
    `[databases]
* = host=127.0.0.1 port=${serverPort} user=ledgerlift
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${poolMode}
default_pool_size = 20
server_login_retry = 1
`,
    { mode: 0o644 },
  );
  const start = async () => {
    const args = ['--pdeathsig', 'KILL', ...notAsRoot(), '--', '/usr/sbin/pgbouncer', '--quiet', settings];
    const child = spawn('setpriv', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    const closed = once(child, 'close');
    while (!(await listens(port))) {
      if (child.exitCode !== null) throw new Error(`pgbouncer ended: ${output}`);
      await sleep(20);
    }
    return async () => {
      child.kill('SIGKILL');
      await closed;
    };
  };
  let kill = await start();
  return {
    through(url) {
      const { pathname } = new URL(url);
      return `postgres://ledgerlift@127.0.0.1:${port}${pathname}`;
    },
    async restart() {
      await kill();
      kill = await start();
    },
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
