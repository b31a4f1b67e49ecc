export { freePort } from './free-port.js';
export { OwnedProcess, stopAllProcesses } from './owned-process.js';
//# sourceMappingURL=index.js.map