export { seededBytes, seededChoice } from './random-bytes.js';
export { makeSmallDisk, sha256OfFile } from './small-disk.js';
//# sourceMappingURL=index.js.map