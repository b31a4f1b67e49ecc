export { ApiFeed } from './api-feed.js';
export { ApiModule, type ApiModuleOptions } from './api.module.js';
export {
  API_APPLICATION_OPTIONS,
  type ApiHttpOptions,
  LOOPBACK_HOSTS,
  configureApi,
} from './http/configure-api.js';
export { PlanRuns } from './plan-runs.js';
export { progressEntry } from './views/progress-entry.js';
