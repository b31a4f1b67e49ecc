export { freePort } from './free-port.js';
export { type Ended, OwnedProcess, type ProcessSpec, stopAllProcesses } from './owned-process.js';
export { typescriptArguments } from './typescript.js';
export { TcpProxy } from './tcp-proxy.js';
