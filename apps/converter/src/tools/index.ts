export { toolCheck } from './tools.js';
