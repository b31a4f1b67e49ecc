export { decideVm } from './vm/decide.js';
export { evolveVm } from './vm/evolve.js';
export { failedStep } from './vm/failed-step.js';
export { assumed, forecastOf } from './vm/forecast.js';
export { awaitsPlanHooks, cutoverDueAt, isBeforeCutover } from './vm/passes.js';
export { wakeAt } from './vm/wake.js';
export type { VmCommand } from './vm/commands.js';
export { holdsPlace, stopWanted } from './vm/stop.js';
export { leftoversDueAt, retryRefusal } from './vm/after-end.js';
export { deletableTarget } from './vm/ending.js';
export { wouldConvert, wouldReadSource } from './vm/going-back.js';
export { type Windows, powerOffBegan, powerOffFor } from './vm/power-off.js';
export { hasTargetLetGo } from './vm/let-go.js';
export { jobOf } from './vm/job.js';
export { passOf } from './vm/pass.js';
export { storagesOf } from './vm/turn.js';
export { mayTakeTurn, removalChange } from './schedule/removal-change.js';
export { AttemptSuperseded, CommandRefused } from './vm/refusals.js';
export {
  type AttemptState,
  type VmLive,
  type VmPhase,
  type VmState,
  attemptsOf,
  hookOf,
  initialVmState,
  isTerminal,
  isWarm,
  lastResult,
  openAttempt,
  partOf,
} from './vm/state.js';
export { type PipelineStatus, type PipelineStep, firstStart, pipelineOf, progressOf } from './vm/pipeline.js';
export { type PlanHook, planHookMigration, planHooksOf } from './run/plan-hooks.js';
export { type Absence, type Presence, evolveAbsences, returnOf } from './presence/presence.js';
export { fairShares } from './schedule/bandwidth.js';
export { type ScheduleEntry, scheduleKey } from './schedule/lanes.js';
export { Schedule } from './schedule/schedule.js';
export { nextOpening } from './schedule/windows.js';
export {
  type RunCounts,
  type RunState,
  decideNextWave,
  decideRunApproval,
  decideRunCancel,
  decideRunCompletion,
  decideRunPause,
  decideRunResume,
  decideWaveAfter,
  evolveRun,
  wavesOf,
} from './run/run.js';
