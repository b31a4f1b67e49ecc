/** Properties of a VirtualMachine that concerns are raised from, beside what a SourceVm holds. */
export const CONCERN_PATHS = [
  'config.changeTrackingEnabled',
  'config.extraConfig',
  'config.hardware.device',
  'config.keyId',
  'config.memoryAffinity',
  'guest.disk',
  'guest.ipAddress',
  'guest.net',
  'runtime.connectionState',
  'runtime.consolidationNeeded',
  'runtime.faultToleranceState',
  'runtime.host',
] as const;
export type ConcernPath = (typeof CONCERN_PATHS)[number];

/** Of the host that a VM runs on. */
export const HOST_PATHS = ['runtime.connectionState', 'runtime.inMaintenanceMode'] as const;
/** Of the cluster that a VM runs in. */
export const CLUSTER_PATHS = ['configurationEx'] as const;
