export {
  amendments,
  asOvirt,
  type TestConfiguration,
  withBlankDisk,
  withConfigurations,
  withItemAttributes,
  withItems,
} from './amendments.js';
export { type BuiltOva, buildOva } from './build-ova.js';
export type { CapacityUnits, OvaDisk, OvaNic, OvaSpec, OvaVm } from './ova-spec.js';
export { type BytesEntry, tarBytes, type TarEntry, writeTar } from './tar-writer.js';
