export { addressArguments, keepNetwork } from './keep-network.js';
