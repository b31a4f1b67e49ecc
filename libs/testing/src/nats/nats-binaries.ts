import { existsSync } from 'node:fs';
import { cacheFolder } from '../cache-folder.js';
import { PeerMissing } from '../errors.js';

/** Debian's (2.9, the oldest that is supported), or the newest release, built by scripts/install-newest-nats.sh. */
export type NatsVersion = 'debian' | 'newest';

const places: Readonly<Record<NatsVersion, () => readonly string[]>> = {
  debian: () => ['/usr/sbin/nats-server', '/usr/bin/nats-server'],
  newest: () => [cacheFolder('bin', 'nats-server')],
};

/** The version that the environment asks for by LEDGERLIFT_NATS, else Debian's. */
export function wantedNatsVersion(): NatsVersion {
  return process.env['LEDGERLIFT_NATS'] === 'newest' ? 'newest' : 'debian';
}

/** The nats-servers that this machine has. */
export function availableNatsServers(): readonly NatsVersion[] {
  return (['debian', 'newest'] as const).filter((version) => find(version) !== undefined);
}

/** Path of a server's program. @throws PeerMissing when it is not installed */
export function natsBinary(version: NatsVersion): string {
  const found = find(version);
  if (found === undefined) throw new PeerMissing(`nats-server (${version})`, places[version]().join(', '));
  return found;
}

function find(version: NatsVersion): string | undefined {
  return places[version]().find((path) => existsSync(path));
}
