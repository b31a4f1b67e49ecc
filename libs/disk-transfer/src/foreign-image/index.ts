export {
  imageBytes,
  type ForeignFormat,
  HEAD_LENGTH,
  type RefusalCause,
  foreignHeader,
  shownFormat,
  ForeignImageRefused,
  assertSelfContained,
} from './header.js';
export { qcow2Header } from './qcow2.js';
