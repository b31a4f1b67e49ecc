export { type BuriedMessage, listDeadLetters, replayDeadLetter } from './dead-letters.js';
export * from './jetstream.context.js';
export * from './jetstream.server.js';
export * from './request.context.js';
export { BusErrorFilter } from './rpc-replies.js';
