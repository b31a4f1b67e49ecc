import { addressesOf, type FileSaid, type GuestFile, nameOf, said } from './reading.js';

interface Stanza {
  readonly name: string;
  readonly addresses: string[];
  isVirtual: boolean;
}

/** What only a bond, a bridge, a VLAN or a tunnel has. */
const VIRTUAL = /^(bond[-_](slaves|mode|primary)|bridge[-_]ports|vlan[-_]raw[-_]device|pre-up ip link add)\b/;

/** `/etc/network/interfaces` and what lies beside it (interfaces(5)). */
export function readInterfaces(file: GuestFile): FileSaid {
  const stanzas: Stanza[] = [];
  let open: Stanza | undefined;
  // A backslash at its end goes on with the line.
  for (const raw of file.text.replaceAll('\\\n', ' ').split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [word = '', first = ''] = line.split(/\s+/);
    if (/^(auto|allow-\w+|no-auto-down|no-scripts|source(-directory)?|mapping|template|rename)$/.test(word)) {
      open = undefined;
      continue;
    }
    if (word === 'iface') {
      open = { name: first, addresses: [], isVirtual: /\b(loopback|tunnel|ppp|wvdial)\b/.test(line) };
      stanzas.push(open);
    } else if (open !== undefined) {
      if (word === 'address') open.addresses.push(first);
      if (VIRTUAL.test(line) && !/^bridge[-_]ports\s+none/.test(line)) open.isVirtual = true;
    }
  }
  const virtual = new Set(stanzas.filter(({ isVirtual }) => isVirtual).map(({ name }) => name));
  const nics = [...new Set(stanzas.map(({ name }) => name))].flatMap((name) => {
    const addresses = stanzas.flatMap((each) => (each.name === name ? each.addresses : []));
    return virtual.has(name) || nameOf(name) === undefined
      ? []
      : said('configuration', file, name, undefined, addressesOf(addresses));
  });
  return { nics, virtual: [...virtual] };
}
