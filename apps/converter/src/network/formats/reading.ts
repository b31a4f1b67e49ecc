import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/** A file of the guest, as it was read out of its disks. */
export interface GuestFile {
  /** Absolute, in the guest. */
  readonly path: string;
  readonly text: string;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
}

/**
 * What the guest's own files say of one NIC. A rule gives the NIC of a MAC its name; a configuration belongs to a name
 * or a MAC; a lease tells which name had which address.
 */
export interface NicSaid {
  readonly by: 'rule' | 'configuration' | 'lease';
  readonly name?: string;
  readonly mac?: string;
  readonly addresses: readonly string[];
  readonly modifiedAt: number;
}

export interface FileSaid {
  readonly nics: readonly NicSaid[];
  /** Names of what is no NIC, such as bonds and bridges, and needs none. */
  readonly virtual?: readonly string[];
}

/** `00-50-56-AA-BB-CC` → `00:50:56:aa:bb:cc`; undefined where it is none. */
export function macOf(text: string | undefined): string | undefined {
  const mac = text?.trim().toLowerCase().replaceAll('-', ':');
  return mac !== undefined && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? mac : undefined;
}

/** An address without its prefix, in the one way to write it; undefined where it is none. */
export function addressOf(text: string | undefined): string | undefined {
  const [bare = ''] = (text ?? '').trim().split('/');
  if (isIPv4(bare)) return bare;
  return isIPv6(bare) ? new SocketAddress({ address: bare, family: 'ipv6' }).address : undefined;
}

export const addressesOf = (texts: readonly (string | undefined)[]): string[] =>
  texts.flatMap((text) => addressOf(text) ?? []);

/**
 * A name that a NIC may have. VLANs (`eth0.5`) and aliases (`eth0:1`) have the name of what they lie on, patterns
 * (`en*`) none.
 */
export const nameOf = (text: string | undefined): string | undefined =>
  text !== undefined && /^[a-zA-Z0-9_-]{1,15}$/.test(text) && text !== 'lo' ? text : undefined;

/** What was said, without what was not. */
export const said = (
  by: NicSaid['by'],
  { modifiedAt }: Pick<GuestFile, 'modifiedAt'>,
  name: string | undefined,
  mac: string | undefined,
  addresses: readonly string[] = [],
): NicSaid[] =>
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
