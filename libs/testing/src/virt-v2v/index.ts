export { applyStubMarker, stubMarker, stubVirtV2v, type StubVirtV2vEnvironment } from './stub-virt-v2v.js';
