export { decideVm } from './vm/decide.js';
export { evolveVm } from './vm/evolve.js';
export { failedStep, holdsSlot, stopWanted, jobOf, passOf } from './vm/job.js';
export { assumed, forecastOf } from './vm/forecast.js';
export { awaitsPlanHooks, cutoverDueAt, isBeforeCutover } from './vm/passes.js';
export { wakeAt } from './vm/waits.js';
export { type VmCommand, AttemptSuperseded, CommandRefused } from './vm/commands.js';
export { leftoversDueAt, retryRefusal } from './vm/after-end.js';
export { deletableTarget } from './vm/ending.js';
export { wouldConvert, wouldReadSource } from './vm/resume-point.js';
export { type Windows, deferralOf, powerOffBegan, powerOffFor } from './vm/power-off.js';
export { hasTargetLetGo } from './vm/let-go.js';
export { storagesOf, mayTakeRemovalSlot, removalChange } from './vm/removal-slot.js';
export {
  type AttemptState,
  type VmFacts,
  type VmLive,
  type VmPhase,
  type VmState,
  attemptsOf,
  awaitedRemovalOf,
  cleanupOf,
  hookOf,
  initialVmState,
  isAbandoned,
  isDecided,
  isTerminal,
  isWarm,
  keptOf,
  lastResult,
  openAttempt,
  partOf,
  pauseOf,
  precopyOf,
} from './vm/state.js';
export { type PipelineStatus, type PipelineStep, firstStart, pipelineOf, progressOf } from './vm/pipeline.js';
export { type PlanHook, planHookMigration, planHooksOf } from './run/plan-hooks.js';
export { type Absence, type Presence, evolveAbsences, returnOf } from './presence.js';
export { fairShares } from './schedule/bandwidth.js';
export { type ScheduleEntry, scheduleKey } from './schedule/lanes.js';
export { entryOf, scheduleEntry } from './schedule/schedule-entry.js';
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
