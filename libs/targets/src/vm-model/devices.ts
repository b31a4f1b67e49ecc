import type { GuestCapabilities, VmRecord } from '@ledgerlift/contracts';

export type TargetDevices = GuestCapabilities;

/**
 * The devices that the guest is given. Virtio is never assumed: a guest has it where its conversion put the drivers
 * in, or where the user asked for it by a raw copy without compatibility mode. SATA and e1000e are what every guest
 * has drivers for.
 *
 * @param capabilities what the conversion left the guest able to drive; none: there was no conversion
 */
export function devicesFor(
  settings: Pick<VmRecord['settings'], 'skipGuestConversion' | 'useCompatibilityMode'>,
  capabilities?: GuestCapabilities,
): TargetDevices {
  if (capabilities !== undefined) return capabilities;
  const isAskedFor = settings.skipGuestConversion && !settings.useCompatibilityMode;
  return isAskedFor
    ? { diskBus: 'virtio', nicModel: 'virtio', rng: true, balloon: true }
    : { diskBus: 'sata', nicModel: 'e1000e', rng: false, balloon: false };
}
