/** Debian's (2.9, the oldest that is supported), or the newest release, built by scripts/install-newest-nats.sh. */
export type NatsVersion = 'debian' | 'newest';
/** The version that the environment asks for by LEDGERLIFT_NATS, else Debian's. */
export declare function wantedNatsVersion(): NatsVersion;
/** The nats-servers that this machine has. */
export declare function availableNatsServers(): readonly NatsVersion[];
/** Path of a server's program. @throws PeerMissing when it is not installed */
export declare function natsBinary(version: NatsVersion): string;
//# sourceMappingURL=nats-binaries.d.ts.map