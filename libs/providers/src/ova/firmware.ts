import type { SourceVm } from '@ledgerlift/contracts';
import { type XmlElement, childOf, textOf } from './xml.js';

type Firmware = Pick<SourceVm, 'firmware' | 'secureBoot' | 'tpm'>;

/**
 * Reads firmware, secure boot and TPM. The standard does not cover them, so each exporter writes them in its own way.
 *
 * @param children children of the hardware section that count in the configuration
 * @param config VMware's settings, by key, with values in lower case
 */
export function firmwareOf(
  system: XmlElement,
  children: readonly XmlElement[],
  config: ReadonlyMap<string, string>,
): Firmware {
  const biosType = textOf(system, 'BiosType');
  const machine = childOf(childOf(system, 'Machine'), 'Hardware');
  const xen = xenSettings(children);
  const isEfi =
    config.get('firmware') === 'efi' ||
    attributeOf(machine, 'Firmware').startsWith('EFI') ||
    OVIRT_EFI.includes(biosType) ||
    /firmware=uefi/i.test(xen);
  return {
    firmware: isEfi ? 'efi' : 'bios',
    secureBoot:
      config.get('bootOptions.efiSecureBootEnabled') === 'true' ||
      biosType === OVIRT_SECURE_BOOT ||
      (isEfi && /secureboot=true/i.test(xen)),
    tpm:
      children.some((item) => /vmware\.vtpm/i.test(textOf(item, 'ResourceSubType'))) ||
      children.some((item) => textOf(item, 'Type') === 'tpm') ||
      /^V\d/.test(attributeOf(machine, 'TrustedPlatformModule')),
  };
}

/** BiosType of oVirt's engine: Q35_OVMF, Q35_SECURE_BOOT. */
const OVIRT_SECURE_BOOT = '4';
const OVIRT_EFI: readonly string[] = ['3', OVIRT_SECURE_BOOT];

/** Reads an attribute of VirtualBox's own machine description. */
const attributeOf = (hardware: XmlElement | undefined, name: string): string =>
  (childOf(hardware, name)?.attributes.get('type') ?? '').toUpperCase();

/** XenCenter writes the maps `HVM_boot_params` and `platform` as `key=value;` pairs. */
const xenSettings = (children: readonly XmlElement[]): string =>
  children
    .filter(({ name }) => name === 'VirtualSystemOtherConfigurationData')
    .map((element) => textOf(element, 'Value'))
    .join(';');
