import { addressesOf, type FileSaid, fileName, type GuestFile, nameOf, said } from './reading.js';

/** Leases of ISC's dhclient (dhclient.leases(5)): blocks, the newest last. */
export function readDhclientLeases(file: GuestFile): FileSaid {
  const blocks = [...file.text.matchAll(/\blease6?\s*\{([\s\S]*?)\n\}/g)].map(([, body = '']) => body);
  const newest = new Map<string, string[]>();
  for (const block of blocks) {
    const name = nameOf(/\binterface\s+"([^"]+)"/.exec(block)?.[1]);
    const found = [...block.matchAll(/\b(?:fixed-address|iaaddr)\s+([0-9a-fA-F.:]+)/g)];
    if (name !== undefined)
      newest.set(
        name,
        found.map(([, address = '']) => address),
      );
  }
  const nics = [...newest].flatMap(([name, addresses]) =>
    said('lease', file, name, undefined, addressesOf(addresses)),
  );
  return { nics };
}

/** A lease of SUSE's wicked: `lease-{name}-dhcp-ipv4.xml`. */
export function readWickedLease(file: GuestFile): FileSaid {
  const name = nameOf(/^lease-(.+)-(?:dhcp|auto|static)-ipv[46]\.xml$/.exec(fileName(file.path))?.[1]);
  const addresses = [...file.text.matchAll(/<(?:address|local)>([^<]+)<\//g)].map(([, address]) => address);
  return { nics: name === undefined ? [] : said('lease', file, name, undefined, addressesOf(addresses)) };
}
