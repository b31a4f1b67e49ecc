export { endHolder, type HolderOwner } from './record.js';
export { type HeldRun, runHeld } from './run-held.js';
