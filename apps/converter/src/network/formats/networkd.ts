import { addressesOf, type FileSaid, type GuestFile, macOf, nameOf, readIni, said } from './reading.js';

/** A `.network` (systemd.network(5)). */
export function readNetworkd(file: GuestFile): FileSaid {
  const entries = readIni(file.text);
  const matched = (key: string): string | undefined =>
    entries.find((entry) => entry.section === 'Match' && entry.key === key)?.value;
  const addresses = entries.flatMap(({ section, key, value }) =>
    (section === 'Network' || section === 'Address') && key === 'Address' ? [value] : [],
  );
  const mac = macOf(matched('MACAddress') ?? matched('PermanentMACAddress'));
  return { nics: said('configuration', file, nameOf(matched('Name')), mac, addressesOf(addresses)) };
}

/** A `.link` (systemd.link(5)), which names a NIC. */
export function readLink(file: GuestFile): FileSaid {
  const entries = readIni(file.text);
  const value = (of: string, wanted: string): string | undefined =>
    entries.find(({ section, key }) => section === of && key === wanted)?.value;
  const mac = macOf(value('Match', 'MACAddress') ?? value('Match', 'PermanentMACAddress'));
  const name = nameOf(value('Link', 'Name'));
  return { nics: mac === undefined || name === undefined ? [] : said('rule', file, name, mac) };
}

/** A `.netdev` (systemd.netdev(5)), which makes what is no NIC. */
export function readNetdev(file: GuestFile): FileSaid {
  const name = readIni(file.text).find(({ section, key }) => section === 'NetDev' && key === 'Name')?.value;
  return { nics: [], virtual: name === undefined ? [] : [name] };
}
