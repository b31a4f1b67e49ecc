import type { SourceVm } from '@ledgerlift/contracts';
import { addressOf, type GuestFile, macOf, type NicFact, readNetworkFile } from './formats/index.js';

/** A NIC of the guest, with the MAC that it keeps and its earlier addresses. */
export interface KnownNic {
  readonly mac: string;
  readonly addresses: readonly string[];
}

export interface NicNames {
  /** NICs with their names in the guest's configuration. */
  readonly named: readonly { readonly mac: string; readonly name: string }[];
  /** MACs of NICs without a matching name in the configuration. */
  readonly unknown: readonly string[];
}

/** The source's NICs that have a MAC, with the addresses that the guest reported. */
export function knownNics({ nics, guest }: SourceVm): KnownNic[] {
  const macs = new Set([...nics, ...(guest?.nics ?? [])].flatMap(({ mac }) => macOf(mac) ?? []));
  const own = new Set(nics.flatMap(({ mac }) => macOf(mac) ?? []));
  return [...macs]
    .filter((mac) => own.has(mac) || own.size === 0)
    .map((mac) => ({
      mac,
      addresses: (guest?.nics ?? []).flatMap((nic) =>
        macOf(nic.mac) === mac ? nic.addresses.flatMap(({ ip }) => addressOf(ip) ?? []) : [],
      ),
    }));
}

/**
 * Finds the name of each NIC in a Linux guest's configuration: by a rule for its MAC, a configuration with its MAC, a
 * configuration with one of its addresses, or a lease of such an address; if one NIC and one name remain, they match. A
 * configuration that uses only the MAC needs no name. Pure.
 */
export function namesOfNics(nics: readonly KnownNic[], files: readonly GuestFile[]): NicNames {
  const read = files.map(readNetworkFile);
  const virtual = new Set(read.flatMap((file) => file.virtual ?? []));
  const everything = read
    .flatMap((file) => file.nics)
    .filter(({ name }) => name === undefined || !virtual.has(name))
    .toSorted((a, b) => b.modifiedAt - a.modifiedAt);
  const names = new Assignment();
  const byMac = (by: NicFact['by']): void => {
    for (const { mac, name } of everything.filter((each) => each.by === by))
      if (mac !== undefined && name !== undefined && nics.some((nic) => nic.mac === mac))
        names.give(mac, name);
  };
  const byAddress = (by: NicFact['by']): void => {
    for (const { mac, name, addresses } of everything.filter((each) => each.by === by)) {
      if (mac !== undefined || name === undefined) continue;
      const owners = nics.filter((nic) => nic.addresses.some((address) => addresses.includes(address)));
      if (owners.length === 1) for (const owner of owners) names.give(owner.mac, name);
    }
  };
  byMac('rule');
  byMac('configuration');
  byAddress('configuration');
  byAddress('lease');
  const configurations = everything.filter(({ by }) => by === 'configuration');
  const namesLeft = new Set(
    configurations.flatMap(({ name, mac }) =>
      name === undefined || mac !== undefined || names.hasName(name) ? [] : [name],
    ),
  );
  const nicsLeft = nics.filter(
    ({ mac }) => !names.hasMac(mac) && !configurations.some((each) => each.mac === mac),
  );
  const [name] = namesLeft;
  const [nic] = nicsLeft;
  if (name !== undefined && namesLeft.size === 1 && nic !== undefined && nicsLeft.length === 1)
    names.give(nic.mac, name);
  return {
    named: names.all(),
    unknown:
      namesLeft.size === 0 ? [] : nicsLeft.filter(({ mac }) => !names.hasMac(mac)).map(({ mac }) => mac),
  };
}

/** One name per NIC and one NIC per name; the first assignment wins. */
class Assignment {
  readonly #nameOf = new Map<string, string>();

  give(mac: string, name: string): void {
    if (!this.hasMac(mac) && !this.hasName(name)) this.#nameOf.set(mac, name);
  }

  hasMac(mac: string): boolean {
    return this.#nameOf.has(mac);
  }

  hasName(name: string): boolean {
    return [...this.#nameOf.values()].includes(name);
  }

  all(): { readonly mac: string; readonly name: string }[] {
    return [...this.#nameOf].map(([mac, name]) => ({ mac, name }));
  }
}
