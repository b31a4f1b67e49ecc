export { type ToolRun, ToolRunFailed, runTool } from './run-tool.js';
export { type Cell, type SandboxState, environmentOfTools, sandboxCommand, sandboxState } from './sandbox.js';
