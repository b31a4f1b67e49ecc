import type { FailureClass } from '@ledgerlift/contracts';

/** What passes by itself: the object is busy, a host is away, a lock is held. */
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

/** What somebody has to put right at the source first. */
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
 * How a fault of vSphere (`vim.fault.…`, `vmodl.fault.…`) is answered. One that is not known is tried again, within the
 * plan's limit: most of what a vCenter says under load is named nowhere. So is ManagedObjectNotFound: tasks, views and
 * neighbours of a VM come and go, and that the VM itself is gone is told by another error.
 */
export function classOfFault(fault: string): FailureClass {
  if (needsOperator.has(fault)) return 'needs-operator';
  if (transient.has(fault)) return 'transient';
  return /^(Invalid|NotSupported|NotFound|NotImplemented|DuplicateName|AlreadyExists)/.test(fault)
    ? 'permanent'
    : 'transient';
}
