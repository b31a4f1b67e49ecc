export { type LuksKeys, luksKeysOf } from './luks-keys.js';
