export { type Cell, type SandboxState, environmentOfTools, sandboxCommand, sandboxState } from './sandbox.js';
