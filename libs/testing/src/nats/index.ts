export { NatsCluster } from './nats-cluster.js';
export { availableNatsServers, natsBinary, type NatsVersion, wantedNatsVersion } from './nats-binaries.js';
export { type NatsOptions, type NatsServer, startNats } from './nats-server.js';
export { type OperatorFiles } from './operator.js';
export { NatsPeer } from './nats-peer.js';
