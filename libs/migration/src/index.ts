export { decideVm } from './vm/decide.js';
export { evolveVm } from './vm/evolve.js';
export type { VmCommand } from './vm/commands.js';
export { AttemptSuperseded, CommandRefused } from './vm/refusals.js';
export {
  type AttemptState,
  type VmLive,
  type VmPhase,
  type VmState,
  attemptsOf,
  initialVmState,
  isTerminal,
  openAttempt,
} from './vm/state.js';
export { type PipelineStatus, type PipelineStep, pipelineOf, progressOf } from './vm/pipeline.js';
export { Schedule, type ScheduleEntry, scheduleKey } from './schedule/schedule.js';
export { type RunCounts, type RunState, decideRunCancel, decideRunCompletion, evolveRun } from './run/run.js';
