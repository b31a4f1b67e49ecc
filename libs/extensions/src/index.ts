export { assertTaken } from './assert-taken.js';
export { BadExtension } from './errors.js';
export { loadExtensions } from './load.js';
