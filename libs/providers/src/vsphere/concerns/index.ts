export { concernsOf } from './concerns-of.js';
export { judge } from './judge.js';
export { CLUSTER_PATHS, CONCERN_PATHS, HOST_PATHS } from './paths.js';
export type { Place, RawVm } from './subject.js';
