export * from './target-vm.js';
export { labelsOf, labelValue } from './kubernetes-labels.js';
export * from './kubevirt-manifests.js';
export * from './libvirt-domain.js';
export { deviceName, type DomainDiskFile, sourceDomainXml } from './source-domain.js';
export { type VmSide, type VmSummary, summaryOf } from './summary.js';
