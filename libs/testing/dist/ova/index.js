export { buildOva } from './build-ova.js';
export { writeTar } from './tar-writer.js';
//# sourceMappingURL=index.js.map