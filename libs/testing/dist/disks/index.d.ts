export { seededBytes, seededChoice } from './random-bytes.js';
export { makeSmallDisk, sha256OfFile, type SmallDisk } from './small-disk.js';
//# sourceMappingURL=index.d.ts.map