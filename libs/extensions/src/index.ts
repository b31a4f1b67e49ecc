export { BadExtension } from './errors.js';
export { loadExtensions } from './load.js';
