export { availableNatsServers, type NatsVersion, wantedNatsVersion } from './nats-binaries.js';
export { type NatsOptions, type NatsServer, startNats } from './nats-server.js';
export { NatsPeer } from './nats-peer.js';
