import type { Condition, GuestCapabilities, Inspection } from '@ledgerlift/contracts';

const MOST_WARNINGS = 50;

/** What users should know of a conversion. A condition replaces an earlier one of its type, so each says all. */
export class ConversionConditions {
  readonly #log: string;
  readonly #warnings = new Set<string>();

  /** @param log name of the conversion log */
  constructor(log: string) {
    this.#log = log;
  }

  /** All that virt-v2v has warned of up to now. */
  warning(message: string): Condition {
    if (this.#warnings.size < MOST_WARNINGS) this.#warnings.add(message.trim().slice(0, 500));
    return this.#condition(
      'ConversionWarning',
      'VirtV2vWarning',
      `virt-v2v warns: ${[...this.#warnings].join('; ').slice(0, 2000)}. The conversion log "${this.#log}" has the rest.`,
      [...this.#warnings],
    );
  }

  /** Virtio is never assumed: a guest without its drivers is given other devices, which work and are slower. */
  drivers({ diskBus, nicModel }: GuestCapabilities): Condition[] {
    const lacking = [
      ...(diskBus === 'virtio' ? [] : ['disks']),
      ...(nicModel === 'virtio' ? [] : ['network adapters']),
    ];
    if (lacking.length === 0) return [];
    return [
      this.#condition(
        'NoVirtioDrivers',
        'DriversNotInstalled',
        `the conversion does not show virtio drivers in the guest for its ${lacking.join(' and ')}; the VM is given ` +
          `${[...(diskBus === 'virtio' ? [] : ['SATA']), ...(nicModel === 'virtio' ? [] : ['e1000e'])].join(' and ')} ` +
          `instead. Install the drivers in the guest to change that; the conversion log "${this.#log}" may say why.`,
        lacking,
      ),
    ];
  }

  /** virt-v2v takes the only root there is, whatever root was asked for (inspect_source.ml, choose_root). */
  root(asked: string | undefined, taken: string): Condition[] {
    if (asked === undefined || asked === taken || asked === 'first') return [];
    return [
      this.#condition(
        'RootDiskIgnored',
        'OtherRootTaken',
        `the plan's rootDisk is "${asked}", and virt-v2v converted the system on "${taken}". Look whether that is the one that was meant.`,
        [asked, taken],
      ),
    ];
  }

  firmware(source: Inspection['firmware'], found: Inspection['firmware']): Condition[] {
    if (source === found) return [];
    return [
      this.#condition(
        'FirmwareDiffers',
        'InspectionDisagrees',
        `the source says that the VM boots by ${source.toUpperCase()}, and its disks are made for ${found.toUpperCase()}. Look at the firmware if the VM does not boot.`,
        [source, found],
      ),
    ];
  }

  #condition(type: string, reason: string, message: string, items: readonly string[]): Condition {
    return { type, category: 'Warn', reason, message, items: [...items], durable: true };
  }
}
