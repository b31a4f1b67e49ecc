export { type BuriedMessage, listDeadLetters, replayDeadLetter } from './dead-letters.js';
export { BusErrorFilter, JetStreamContext, type Received, RequestContext } from './event-dispatch.js';
export * from './jetstream.server.js';
