export { makeNatsKeys, type NatsKeys } from './nats-keys.js';
