import {
  addressesOf,
  type FileSaid,
  fileName,
  type GuestFile,
  macOf,
  nameOf,
  readIni,
  said,
} from './reading.js';

/** A connection's keyfile (nm-settings-keyfile(5)). */
export function readKeyfile(file: GuestFile): FileSaid {
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
  return { nics: said('configuration', file, name, mac, addressesOf(addresses)) };
}

/** A lease that NetworkManager keeps: `internal-{uuid of the connection}-{name}.lease`; dhclient's have its own form. */
export function readManagerLease(file: GuestFile): FileSaid {
  const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
  const name = nameOf(new RegExp(`-${uuid}-(.+)\\.lease$`).exec(fileName(file.path))?.[1]);
  const address = readIni(file.text).find(({ key }) => key === 'ADDRESS')?.value;
  return { nics: name === undefined ? [] : said('lease', file, name, undefined, addressesOf([address])) };
}
