// Apart from the contract, which only Jest can load: campaigns and benches start servers, too.
export { type KurrentServer, startKurrent } from './kurrent-server.js';
export { type PostgresServer, startPostgres } from './postgres-server.js';
