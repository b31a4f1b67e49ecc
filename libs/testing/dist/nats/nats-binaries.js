import { existsSync } from 'node:fs';
import { cacheFolder } from '../cache-folder.js';
import { PeerMissing } from '../errors.js';
const places = {
    debian: () => ['/usr/sbin/nats-server', '/usr/bin/nats-server'],
    newest: () => [cacheFolder('bin', 'nats-server')],
};
/** The version that the environment asks for by LEDGERLIFT_NATS, else Debian's. */
export function wantedNatsVersion() {
    return process.env['LEDGERLIFT_NATS'] === 'newest' ? 'newest' : 'debian';
}
/** The nats-servers that this machine has. */
export function availableNatsServers() {
    return ['debian', 'newest'].filter((version) => find(version) !== undefined);
}
/** Path of a server's program. @throws PeerMissing when it is not installed */
export function natsBinary(version) {
    const found = find(version);
    if (found === undefined)
        throw new PeerMissing(`nats-server (${version})`, places[version]().join(', '));
    return found;
}
function find(version) {
    return places[version]().find((path) => existsSync(path));
}
//# sourceMappingURL=nats-binaries.js.map