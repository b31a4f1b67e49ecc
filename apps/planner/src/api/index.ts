export { type Api, ApiModule, type ApiParts, composeApi } from './compose.js';
export {
  API_APPLICATION_OPTIONS,
  type ApiHttpOptions,
  configureApi,
  LOOPBACK_HOSTS,
} from './http/configure-api.js';
export { progressEntry } from './views/vm.js';
