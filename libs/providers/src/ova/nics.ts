import type { SourceNic } from '@ledgerlift/contracts';
import { type XmlElement, childOf, childrenOf, textOf } from './xml.js';

const models: readonly (readonly [RegExp, SourceNic['model']])[] = [
  [/vmxnet3?/i, 'vmxnet3'],
  [/e1000e/i, 'e1000e'],
  [/e1000|82540|82545|82543/i, 'e1000'],
  [/virtio/i, 'virtio'],
  [/pcnet|Am79C97/i, 'pcnet32'],
  [/rtl8139/i, 'rtl8139'],
];
/** VmInterfaceType of oVirt's engine, which its exporters write as the subtype. Numbers have no meaning in the standard. */
const numbered: Readonly<Record<string, SourceNic['model']>> = {
  0: 'virtio',
  1: 'rtl8139',
  2: 'e1000',
  3: 'virtio',
  6: 'e1000e',
};
const PASSED_THROUGH = '5';

/**
 * Reads the network adapters of a virtual system.
 *
 * @param items items of the resource type "Ethernet adapter", in order
 */
export function nicsOf(items: readonly XmlElement[], system: XmlElement): readonly SourceNic[] {
  const adapters = virtualBoxAdapters(system);
  // VirtualBox writes an item for each enabled adapter, in the order of the slots.
  const beside = adapters.length === items.length ? adapters : [];
  return items.map((item, index) => nicOf(item, beside[index], index));
}

function nicOf(item: XmlElement, adapter: XmlElement | undefined, index: number): SourceNic {
  const subtype = textOf(item, 'ResourceSubType');
  const mac =
    macOf(textOf(item, 'Address')) ??
    macOf(textOf(item, 'MACAddress')) ??
    macOf(adapter?.attributes.get('MACAddress') ?? '');
  return {
    id: `nic-${index}`,
    name: textOf(item, 'ElementName') || textOf(item, 'Caption') || `nic ${index}`,
    network: textOf(item, 'Connection'),
    ...(mac === undefined ? {} : { mac }),
    model: modelOf(subtype) ?? modelOf(adapter?.attributes.get('type') ?? '') ?? 'unknown',
    kind: /sriov/i.test(subtype) || subtype === PASSED_THROUGH ? 'sriov' : 'ethernet',
  };
}

const modelOf = (words: string): SourceNic['model'] | undefined =>
  numbered[words] ?? models.find(([pattern]) => pattern.test(words))?.[1];

/** Parses `00:50:56:01:02:03`, `00-50-56-01-02-03` or `005056010203`, in either case. */
function macOf(text: string): string | undefined {
  const digits = text.trim().toLowerCase();
  if (!/^[0-9a-f]{2}(?::?[0-9a-f]{2}){5}$|^[0-9a-f]{2}(?:-[0-9a-f]{2}){5}$/.test(digits)) return undefined;
  return digits.replaceAll(/[:-]/g, '').replaceAll(/(..)(?!$)/g, '$1:');
}

/** VirtualBox writes the addresses of its adapters only in its own machine description. */
function virtualBoxAdapters(system: XmlElement): readonly XmlElement[] {
  const network = childOf(childOf(childOf(system, 'Machine'), 'Hardware'), 'Network');
  const slotOf = ({ attributes }: XmlElement): number => Number(attributes.get('slot') ?? 0);
  return childrenOf(network, 'Adapter')
    .filter(({ attributes }) => attributes.get('enabled') === 'true')
    .toSorted((one, other) => slotOf(one) - slotOf(other));
}
