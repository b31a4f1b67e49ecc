export { imageBytes } from './bytes.js';
export { type ForeignFormat, HEAD_LENGTH, type RefusalCause, foreignHeader, shownFormat } from './header.js';
export { qcow2Header } from './qcow2.js';
export { ForeignImageRefused, assertSelfContained } from './refused.js';
