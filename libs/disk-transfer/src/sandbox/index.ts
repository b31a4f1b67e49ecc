export {
  type Cell,
  SandboxMissing,
  type SandboxState,
  environmentOfTools,
  sandboxCommand,
  sandboxState,
} from './sandbox.js';
