export { type MutatedOva, mutatedOvas } from './mutated-ovas.js';
export { type HostileOva, writeHostileOvas } from './write-hostile.js';
