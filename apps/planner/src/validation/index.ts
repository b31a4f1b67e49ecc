export { CatalogPlanExaminer, type ExaminerSurroundings } from './catalog-plan-examiner.js';
export { conditionsPage } from './conditions-page.js';
export { NatsWorkerAccess } from './facts/nats-worker-access.js';
export { WORKER_ACCESS, type WorkerAccess } from './facts/worker-access.js';
export type { Examination, ExaminationOptions, Outline, PlanExaminer, RetriedVm } from './plan-examiner.js';
export type { PlannedVm, SiteWorkers } from './plan-facts.js';
export { type JudgedSelection, judgeSelection } from './judge-selection.js';
