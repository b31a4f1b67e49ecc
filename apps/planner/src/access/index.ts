export { imageExtents } from './image-extents.js';
export { NatsWorkerAccess } from './nats-worker-access.js';
