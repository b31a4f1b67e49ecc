import { type ChildProcess, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forkOnSources, sourceOf } from './fork-on-sources.js';
import type { Edit, Place } from './log-under-test.js';

/** A KurrentDB server: the one at `KURRENTDB_URL`, or a stand-in of the test's own in a temporary folder. */
export interface KurrentServer {
  /** A place for a log that does not exist yet. */
  newUrl(): string;
  /** Kills the stand-in as a power cut would, and starts it again on its data and port. A real server is left alone. */
  restart(): Promise<void>;
  /** Overwrites an event's stored bytes while `look` runs; undefined if no event can have them. Only the stand-in. */
  edited<T>(
    prefix: string,
    place: Place,
    edits: readonly Edit[],
    look: () => Promise<T>,
  ): Promise<T | undefined>;
  /** Goes away for good, until `restart`. Only the stand-in. */
  kill(): Promise<void>;
  /** Everything that it has is gone after the next `restart`. Only the stand-in. */
  loseData(): Promise<void>;
  stop(): Promise<void>;
}

export interface KurrentServerOptions {
  readonly version?: string;
  /** The most bytes of an append; 16 MiB by default, the server's highest. */
  readonly mostBytes?: number;
  /** Requires TLS and this user. */
  readonly user?: { readonly name: string; readonly password: string };
}

/** What the test asks of the stand-in's process. */
export interface StandInRequest {
  readonly number: number;
  readonly edit?: { readonly stream: string; readonly revision: number; readonly change: StoredChange };
}
type StoredChange = Partial<Record<'stream' | 'id' | 'data' | 'metadata' | 'revision', string>>;

const HIGHEST_BYTES = 16 * 1024 * 1024;
export const REAL_KURRENT = process.env['KURRENTDB_URL'];

/** @param options of the stand-in, which is then started in any case */
export async function startKurrent(options?: KurrentServerOptions): Promise<KurrentServer> {
  return REAL_KURRENT === undefined || options !== undefined
    ? startStandIn(options ?? {})
    : realServer(REAL_KURRENT);
}

const newLog = (): string => `log-${randomUUID()}`;
/** The URL with another log in its path. */
const withLog = (url: string, log: string): string => url.replace(/^([^/]+:\/\/[^/?]+)[^?]*/, `$1/${log}`);

function realServer(url: string): KurrentServer {
  const refuse = (): never => {
    throw new Error('only the stand-in can be killed and edited');
  };
  return {
    newUrl: () => withLog(url, newLog()),
    ...{ kill: refuse, edited: refuse, loseData: refuse },
    restart: async () => undefined,
    stop: async () => undefined,
  };
}

async function startStandIn(options: KurrentServerOptions): Promise<KurrentServer> {
  const { version = '26.1.0', mostBytes = HIGHEST_BYTES, user } = options;
  const folder = mkdtempSync(join(tmpdir(), 'ledgerlift-kurrent-'));
  if (user !== undefined) makeCertificates(folder);
  const start = async (at: number) => {
    const secure = user === undefined ? [] : [folder, `${user.name}:${user.password}`];
    const child = forkOnSources(sourceOf('kurrent-stand-in.fixture.ts'), [
      ...[folder, String(at), String(mostBytes), version],
      ...secure,
    ]);
    const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    if (typeof message !== 'object') throw new Error(`the stand-in ended with exit code ${String(message)}`);
    return { child, port: Number((message as { readonly port: number }).port) };
  };
  let { child, port } = await start(0);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  const settings =
    user === undefined
      ? 'tls=false'
      : `tls=true&tlsCAFile=${encodeURIComponent(join(folder, 'authority.pem'))}`;
  const login = user === undefined ? '' : `${user.name}:${user.password}@`;
  return {
    newUrl: () => `kurrentdb://${login}127.0.0.1:${port}/${newLog()}?${settings}`,
    async restart() {
      await kill();
      ({ child, port } = await start(port));
    },
    kill,
    async edited(prefix, { stream, revision }, edits, look) {
      const change = storedChange(prefix, edits);
      if (change === undefined) return undefined;
      await ask(child, { stream: `${prefix}${stream}`, revision, change });
      try {
        return await look();
      } finally {
        await ask(child);
      }
    },
    async loseData() {
      await rm(join(folder, 'events.jsonl'));
    },
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

let requests = 0;
async function ask(child: ChildProcess, edit?: StandInRequest['edit']): Promise<void> {
  requests += 1;
  const request: StandInRequest = { number: requests, ...(edit === undefined ? {} : { edit }) };
  child.send(request);
  for (;;) {
    const [answer] = (await once(child, 'message')) as [{ readonly number: number }];
    if (answer.number === request.number) return;
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Edits of columns as changes of what the server stores: an id is 16 bytes, names and properties are UTF-8, and a position is a place
 * in a file, which no edit can change.
 */
function storedChange(prefix: string, edits: readonly Edit[]): StoredChange | undefined {
  const change: StoredChange = {};
  for (const { column, value } of edits) {
    if (column === 'position') return undefined;
    if (typeof value === 'bigint') {
      if (value < 0n) return undefined;
      change.revision = String(value);
      continue;
    }
    if (column === 'content') {
      change.data = Buffer.from(value).toString('base64');
      continue;
    }
    try {
      const text = decoder.decode(value);
      if (column === 'id' && !UUID.test(text)) return undefined;
      if (column === 'id') change.id = text;
      if (column === 'stream') change.stream = `${prefix}${text}`;
      if (column === 'hash') change.metadata = Buffer.from(JSON.stringify({ hash: text })).toString('base64');
    } catch {
      return undefined;
    }
  }
  return change;
}

/** An authority, and a certificate by it for the loopback address: the client takes no certificate that signed itself. */
function makeCertificates(folder: string): void {
  const at = (name: string): string => join(folder, name);
  const openssl = (name: string, subject: string, extra: readonly string[]): void => {
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650'];
    const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
    const args = ['req', '-x509', ...kind, '-subj', `/CN=${subject}`, ...files, ...extra];
    const made = spawnSync('openssl', args, { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`openssl failed: ${made.stderr}`);
  };
  openssl('authority', 'stand-in authority', []);
  openssl('server', 'localhost', [
    ...['-CA', at('authority.pem'), '-CAkey', at('authority.key')],
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE'],
  ]);
}
