import { parse } from 'yaml';
import { z } from 'zod';
import {
  addressesOf,
  fileName,
  type FileFacts,
  type GuestFile,
  macOf,
  nameOf,
  readIni,
  nicFacts,
} from './network-files.js';

const Address = z.union([
  z.string(),
  z.record(z.string(), z.unknown()).transform((of) => Object.keys(of)[0]),
]);
const Ethernet = z.looseObject({
  match: z.looseObject({ macaddress: z.string().optional(), name: z.unknown().optional() }).nullish(),
  'set-name': z.string().optional(),
  addresses: z.array(Address).nullish(),
});
const Devices = z.record(z.string(), z.unknown()).nullish();
const Netplan = z.looseObject({
  network: z.looseObject({ ethernets: Devices, bonds: Devices, bridges: Devices, vlans: Devices }),
});

/** A netplan file (netplan-yaml(5)): the key of a device is its name, unless it has `match`. */
export function readNetplan(file: GuestFile): FileFacts {
  const { data } = Netplan.safeParse(yamlOf(file.text));
  if (data === undefined) return { nics: [] };
  const { ethernets, bonds, bridges, vlans } = data.network;
  const nics = Object.entries(ethernets ?? {}).flatMap(([id, value]) => {
    const ethernet = Ethernet.safeParse(value ?? {}).data;
    if (ethernet === undefined) return [];
    const { match, addresses } = ethernet;
    const matched = typeof match?.name === 'string' ? match.name : undefined;
    const name = nameOf(ethernet['set-name'] ?? (match === undefined || match === null ? id : matched));
    return nicFacts('configuration', file, name, macOf(match?.macaddress), addressesOf(addresses ?? []));
  });
  return { nics, virtual: [bonds, bridges, vlans].flatMap((devices) => Object.keys(devices ?? {})) };
}

function yamlOf(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch {
    return undefined;
  }
}

/** A connection's keyfile (nm-settings-keyfile(5)). */
export function readKeyfile(file: GuestFile): FileFacts {
  const entries = readIni(file.text);
  const value = (sections: readonly string[], key: string): string | undefined =>
    entries.findLast((entry) => sections.includes(entry.section) && entry.key === key)?.value;
  const name = nameOf(
    value(['connection'], 'interface-name') ?? value(['match'], 'interface-name')?.replace(/;$/, ''),
  );
  const type = value(['connection'], 'type');
  if (type !== undefined && !['ethernet', '802-3-ethernet'].includes(type))
    return { nics: [], virtual: name === undefined ? [] : [name] };
  const mac = macOf(value(['ethernet', '802-3-ethernet'], 'mac-address'));
  // address1=10.0.0.5/24,10.0.0.1 and addresses=10.0.0.5/24;10.0.0.6/24;
  const addresses = entries.flatMap((entry) =>
    /^ipv[46]$/.test(entry.section) && /^address(es|\d+)$/.test(entry.key)
      ? entry.value.split(';').map((each) => each.split(',')[0])
      : [],
  );
  return { nics: nicFacts('configuration', file, name, mac, addressesOf(addresses)) };
}

/**
 * A lease file of NetworkManager: `internal-{uuid of the connection}-{name}.lease`; dhclient's leases have their own
 * format.
 */
export function readManagerLease(file: GuestFile): FileFacts {
  const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
  const name = nameOf(new RegExp(`-${uuid}-(.+)\\.lease$`).exec(fileName(file.path))?.[1]);
  const address = readIni(file.text).find(({ key }) => key === 'ADDRESS')?.value;
  return { nics: name === undefined ? [] : nicFacts('lease', file, name, undefined, addressesOf([address])) };
}

/** A `.network` (systemd.network(5)). */
export function readNetworkd(file: GuestFile): FileFacts {
  const entries = readIni(file.text);
  const matched = (key: string): string | undefined =>
    entries.find((entry) => entry.section === 'Match' && entry.key === key)?.value;
  const addresses = entries.flatMap(({ section, key, value }) =>
    (section === 'Network' || section === 'Address') && key === 'Address' ? [value] : [],
  );
  const mac = macOf(matched('MACAddress') ?? matched('PermanentMACAddress'));
  return { nics: nicFacts('configuration', file, nameOf(matched('Name')), mac, addressesOf(addresses)) };
}

/** A `.link` (systemd.link(5)), which names a NIC. */
export function readLink(file: GuestFile): FileFacts {
  const entries = readIni(file.text);
  const value = (of: string, wanted: string): string | undefined =>
    entries.find(({ section, key }) => section === of && key === wanted)?.value;
  const mac = macOf(value('Match', 'MACAddress') ?? value('Match', 'PermanentMACAddress'));
  const name = nameOf(value('Link', 'Name'));
  return { nics: mac === undefined || name === undefined ? [] : nicFacts('rule', file, name, mac) };
}

/** A `.netdev` (systemd.netdev(5)), which defines a virtual device. */
export function readNetdev(file: GuestFile): FileFacts {
  const name = readIni(file.text).find(({ section, key }) => section === 'NetDev' && key === 'Name')?.value;
  return { nics: [], virtual: name === undefined ? [] : [name] };
}
