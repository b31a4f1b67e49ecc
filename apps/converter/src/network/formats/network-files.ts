import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/** A file read from the guest's disks. */
export interface GuestFile {
  /** Absolute, in the guest. */
  readonly path: string;
  readonly text: string;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
}

/**
 * One NIC in the guest's own files. A rule assigns a name to a MAC; a configuration belongs to a name or a MAC; a lease
 * shows which name had which address.
 */
export interface NicFact {
  readonly by: 'rule' | 'configuration' | 'lease';
  readonly name?: string;
  readonly mac?: string;
  readonly addresses: readonly string[];
  readonly modifiedAt: number;
}

export interface FileFacts {
  readonly nics: readonly NicFact[];
  /** Names of virtual devices, such as bonds and bridges, which need no NIC. */
  readonly virtual?: readonly string[];
}

/** `00-50-56-AA-BB-CC` → `00:50:56:aa:bb:cc`; undefined if invalid. */
export function macOf(text: string | undefined): string | undefined {
  const mac = text?.trim().toLowerCase().replaceAll('-', ':');
  return mac !== undefined && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? mac : undefined;
}

/** An address without its prefix, in canonical form; undefined if invalid. */
export function addressOf(text: string | undefined): string | undefined {
  const [bare = ''] = (text ?? '').trim().split('/');
  if (isIPv4(bare)) return bare;
  return isIPv6(bare) ? new SocketAddress({ address: bare, family: 'ipv6' }).address : undefined;
}

export const addressesOf = (texts: readonly (string | undefined)[]): string[] =>
  texts.flatMap((text) => addressOf(text) ?? []);

/** A NIC's name. Rejects VLANs (`eth0.5`) and aliases (`eth0:1`), which are on a NIC, and patterns (`en*`). */
export const nameOf = (text: string | undefined): string | undefined =>
  text !== undefined && /^[a-zA-Z0-9_-]{1,15}$/.test(text) && text !== 'lo' ? text : undefined;

/** The defined fields as a list; empty without a name and a MAC. */
export const nicFacts = (
  by: NicFact['by'],
  { modifiedAt }: Pick<GuestFile, 'modifiedAt'>,
  name: string | undefined,
  mac: string | undefined,
  addresses: readonly string[] = [],
): NicFact[] =>
  name === undefined && mac === undefined
    ? []
    : [
        {
          by,
          ...(name === undefined ? {} : { name }),
          ...(mac === undefined ? {} : { mac }),
          addresses,
          modifiedAt,
        },
      ];

export interface IniEntry {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** `[section]`, `key=value`, as systemd and NetworkManager write it; keys may be there several times. */
export function readIni(text: string): IniEntry[] {
  let section = '';
  return text.split('\n').flatMap((raw) => {
    const line = raw.trim();
    const begin = /^\[(.+)\]$/.exec(line)?.[1];
    if (begin !== undefined) section = begin;
    if (begin !== undefined || line === '' || /^[#;]/.test(line)) return [];
    const at = line.indexOf('=');
    return at < 1
      ? []
      : [{ section, key: line.slice(0, at).trim(), value: unquoted(line.slice(at + 1).trim()) }];
  });
}

/** `"eth0"` → `eth0` */
export const unquoted = (text: string): string => /^(["'])(.*)\1$/.exec(text)?.[2] ?? text;

/** The last part of a path. */
export const fileName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Keys that only files of virtual devices have. */
const VIRTUAL =
  /^(bond|bonding|bridge|team|vlan|infiniband|tun|tap|wireless|loopback|dummy|macvlan|ovs\w*)$/i;
/** NIC names from kernels and udev; a profile's file may have any name. */
const NIC_NAME = /^(eth\d|en[opsxi]\w|em\d|p\d+p\d)/;

/**
 * `ifcfg-*` of Red Hat's and SUSE's network scripts, and of NetworkManager's plugin for them: assignments for a shell
 * (sysconfig.txt of initscripts, ifcfg(5) of SUSE). SUSE's are named after the NIC.
 */
export function readIfcfg(file: GuestFile): FileFacts {
  const values = new Map(
    file.text.split('\n').flatMap((line) => {
      const [, key, value = ''] = /^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)=(.*?)\s*(?:\s#.*)?$/.exec(line) ?? [];
      return key === undefined ? [] : [[key, unquoted(value.trim())] as const];
    }),
  );
  const suffix = fileName(file.path).replace(/^ifcfg-/, '');
  const isSuse = file.path.startsWith('/etc/sysconfig/network/');
  const name = nameOf(values.get('DEVICE') ?? (isSuse || NIC_NAME.test(suffix) ? suffix : undefined));
  if (isVirtual(values)) return { nics: [], virtual: name === undefined ? [] : [name] };
  const addresses = [...values].flatMap(([key, value]) =>
    /^(IPADDR|IPV6ADDR)/.test(key) ? value.split(/\s+/) : [],
  );
  const mac = macOf(values.get('HWADDR') ?? (isSuse ? values.get('LLADDR') : undefined));
  return { nics: nicFacts('configuration', file, name, mac, addressesOf(addresses)) };
}

const isVirtual = (values: ReadonlyMap<string, string>): boolean =>
  VIRTUAL.test(values.get('TYPE') ?? '') ||
  VIRTUAL.test(values.get('DEVICETYPE') ?? '') ||
  values.get('VLAN') === 'yes' ||
  ['BONDING_OPTS', 'BONDING_MASTER', 'BRIDGE_PORTS', 'ETHERDEVICE', 'TUNNEL', 'TEAM_CONFIG'].some((key) =>
    values.has(key),
  );

interface Stanza {
  readonly name: string;
  readonly addresses: string[];
  isVirtual: boolean;
}

/** Keys of bonds, bridges, VLANs and tunnels only. */
const VIRTUAL_STANZA =
  /^(bond[-_](slaves|mode|primary)|bridge[-_]ports|vlan[-_]raw[-_]device|pre-up ip link add)\b/;

/** `/etc/network/interfaces` and the files beside it (interfaces(5)). */
export function readInterfaces(file: GuestFile): FileFacts {
  const stanzas: Stanza[] = [];
  let open: Stanza | undefined;
  // A trailing backslash continues the line.
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
      if (VIRTUAL_STANZA.test(line) && !/^bridge[-_]ports\s+none/.test(line)) open.isVirtual = true;
    }
  }
  const virtual = new Set(stanzas.filter(({ isVirtual }) => isVirtual).map(({ name }) => name));
  const nics = [...new Set(stanzas.map(({ name }) => name))].flatMap((name) => {
    const addresses = stanzas.flatMap((each) => (each.name === name ? each.addresses : []));
    return virtual.has(name) || nameOf(name) === undefined
      ? []
      : nicFacts('configuration', file, name, undefined, addressesOf(addresses));
  });
  return { nics, virtual: [...virtual] };
}

/** Leases of ISC's dhclient (dhclient.leases(5)): blocks, the newest last. */
export function readDhclientLeases(file: GuestFile): FileFacts {
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
    nicFacts('lease', file, name, undefined, addressesOf(addresses)),
  );
  return { nics };
}

/** A lease of SUSE's wicked: `lease-{name}-dhcp-ipv4.xml`. */
export function readWickedLease(file: GuestFile): FileFacts {
  const name = nameOf(/^lease-(.+)-(?:dhcp|auto|static)-ipv[46]\.xml$/.exec(fileName(file.path))?.[1]);
  const addresses = [...file.text.matchAll(/<(?:address|local)>([^<]+)<\//g)].map(([, address]) => address);
  return { nics: name === undefined ? [] : nicFacts('lease', file, name, undefined, addressesOf(addresses)) };
}

/** udev rules that name NICs by MAC, as in `70-persistent-net.rules`. */
export function readUdevRules(file: GuestFile): FileFacts {
  const nics = file.text.split('\n').flatMap((line) => {
    if (line.trimStart().startsWith('#')) return [];
    const mac = macOf(/(?:ATTRS?|SYSFS)\{address\}=="([^"]+)"/.exec(line)?.[1]);
    const name = nameOf(/(?:^|[\s,])NAME:?="([^"]+)"/.exec(line)?.[1]);
    return mac === undefined || name === undefined ? [] : nicFacts('rule', file, name, mac);
  });
  return { nics };
}
