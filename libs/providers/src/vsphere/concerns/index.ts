export { judge } from './judge.js';
export { concernMeanings } from './meanings.js';
