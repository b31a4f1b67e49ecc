export { buildOva } from './build-ova.js';
export { tarBytes, writeTar } from './tar-writer.js';
//# sourceMappingURL=index.js.map