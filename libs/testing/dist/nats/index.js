export { availableNatsServers, wantedNatsVersion } from './nats-binaries.js';
export { startNats } from './nats-server.js';
//# sourceMappingURL=index.js.map