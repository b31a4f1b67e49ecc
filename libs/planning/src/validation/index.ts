export {
  CatalogPlanExaminer,
  type Examination,
  type Outline,
  type PlanExaminer,
} from './catalog-plan-examiner.js';
export { conditionsPage } from './condition-types.js';
export type { RetriedVm, SiteWorkers, WorkerAccess } from './plan-facts.js';
export type { ResolvedPlan } from './resolve-plan.js';
export { type JudgedSelection, judgeSelection } from './validate.js';
