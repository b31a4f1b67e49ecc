import type { Condition, GuestCapabilities, Inspection } from '@ledgerlift/contracts';

const MOST_WARNINGS = 50;

/** Conditions for users about a conversion. A condition replaces an earlier one of its type, so each is complete. */
export class ConversionConditions {
  readonly #log: string;
  readonly #warnings = new Set<string>();

  /** @param log name of the conversion log */
  constructor(log: string) {
    this.#log = log;
  }

  /** All warnings from virt-v2v so far. */
  warning(message: string): Condition {
    if (this.#warnings.size < MOST_WARNINGS) this.#warnings.add(message.trim().slice(0, 500));
    return this.#condition(
      'ConversionWarning',
      'VirtV2vWarning',
      `virt-v2v warns: ${[...this.#warnings].join('; ').slice(0, 2000)}. The conversion log "${this.#log}" has the rest.`,
      [...this.#warnings],
    );
  }

  /** Never assumes virtio: a guest without its drivers gets other devices, which work but are slower. */
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
        `the conversion found no virtio drivers in the guest for its ${lacking.join(' and ')}; the VM gets ` +
          `${[...(diskBus === 'virtio' ? [] : ['SATA']), ...(nicModel === 'virtio' ? [] : ['e1000e'])].join(' and ')} ` +
          `instead. Install the drivers in the guest to change that; the conversion log "${this.#log}" may say why.`,
        lacking,
      ),
    ];
  }

  /** If there is only one root, virt-v2v takes it, whatever root was requested (inspect_source.ml, choose_root). */
  root(asked: string | undefined, taken: string): Condition[] {
    if (asked === undefined || asked === taken || asked === 'first') return [];
    return [
      this.#condition(
        'RootDiskIgnored',
        'OtherRootTaken',
        `the plan's rootDisk is "${asked}", but virt-v2v converted the system on "${taken}". Check that this is the right one.`,
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
        `the source's firmware is ${source.toUpperCase()}, but the disks need ${found.toUpperCase()}. Check the firmware if the VM does not boot.`,
        [source, found],
      ),
    ];
  }

  #condition(type: string, reason: string, message: string, items: readonly string[]): Condition {
    return { type, category: 'Warn', reason, message, items: [...items], durable: true };
  }
}
