export { BytesToRead, type ExtentsAccess } from './forecast.js';
export { Measurements } from './measurements.js';
export { type ScheduledVm, Rehearser } from './rehearser.js';
