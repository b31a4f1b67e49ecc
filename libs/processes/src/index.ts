export { type AtomicFileOptions, syncFolder, unfinished, writeFileAtomic } from './atomic-file.js';
export { withoutCoreDumps, OutputTail } from './output-tail.js';
export { type OwnedOptions, OwnedProcess, type ProcessEnd, inWords } from './owned-process.js';
export {
  GroupAlive,
  type GroupIdentity,
  type GroupOptions,
  ProcessGroup,
  endGroup,
  markOfGroup,
} from './process-group.js';
export { ProcessRecord, type Sight, sightOf, thisPlace } from './process-record.js';
export {
  type EndOptions,
  type Mark,
  type ProcessId,
  endMarked,
  identify,
  isAlive,
  markedProcesses,
  sendSignal,
} from './process-table.js';
export { type ToolRun, ToolRunFailed, runTool } from './run-tool.js';
export { type Cell, sandboxCommand, sandboxState } from './sandbox.js';
