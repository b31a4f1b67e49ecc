import type { FailureClass } from '@ledgerlift/contracts';

/** Faults that pass by themselves: the object is busy, a host is away, a lock is held. */
const transient = new Set([
  'TaskInProgress',
  'InvalidState',
  'InvalidPowerState',
  'ConcurrentAccess',
  'ResourceInUse',
  'FileLocked',
  'Timedout',
  'RequestCanceled',
  'HostCommunication',
  'HostNotConnected',
  'HostNotReachable',
  'HostConnectFault',
  'NotAuthenticated',
  'MethodDisabled',
  'ApplicationQuiesceFault',
  'FilesystemQuiesceFault',
  'VmToolsUpgradeFault',
  'ToolsUnavailable',
  'NetworkDisruptedAndConfigRolledBack',
  'SystemError',
  'GenericVmConfigFault',
  'SnapshotFault',
  'SnapshotLocked',
  'VimFault',
  'MethodFault',
  'RuntimeFault',
]);

/** Faults that somebody must fix at the source first. */
const needsOperator = new Set([
  'InvalidLogin',
  'InvalidLocale',
  'NoPermission',
  'PasswordExpired',
  'InsufficientResourcesFault',
  'LicenseExpired',
  'LicenseRestricted',
  'RestrictedVersion',
  'TooManySnapshotLevels',
  'MultipleSnapshotsNotSupported',
  'SnapshotDisabled',
  'QuarantineModeFault',
]);

/**
 * Classifies a vSphere fault (`vim.fault.…`, `vmodl.fault.…`). Unknown faults are retried within the plan's limit, because most faults
 * of a vCenter under load are undocumented. So is ManagedObjectNotFound: tasks, views and neighbours of a VM come and go, and a
 * missing VM has an error of its own.
 */
export function classOfFault(fault: string): FailureClass {
  if (needsOperator.has(fault)) return 'needs-operator';
  if (transient.has(fault)) return 'transient';
  return /^(Invalid|NotSupported|NotFound|NotImplemented|DuplicateName|AlreadyExists)/.test(fault)
    ? 'permanent'
    : 'transient';
}
