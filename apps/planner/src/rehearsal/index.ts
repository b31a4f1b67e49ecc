export { BytesToRead } from './bytes.js';
export { imageExtents } from './extents.js';
export { Measurements } from './measurements.js';
export { Rehearser } from './rehearser.js';
