export { assertTaken, BadExtension, loadExtensions } from './load.js';
