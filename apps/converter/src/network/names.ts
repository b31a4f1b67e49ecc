import type { SourceVm } from '@ledgerlift/contracts';
import { addressOf, type GuestFile, macOf, type NicSaid, readNetworkFile } from './formats/index.js';

/** A NIC of the guest: the MAC that it keeps, and the addresses that it had. */
export interface KnownNic {
  readonly mac: string;
  readonly addresses: readonly string[];
}

export interface NicNames {
  /** What the guest's configuration calls them. */
  readonly named: readonly { readonly mac: string; readonly name: string }[];
  /** MACs of NICs of which nothing says which of the names of the configuration is theirs. */
  readonly unknown: readonly string[];
}

/** The NICs of the source that have a MAC, with what the guest has told of them. */
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
 * Which name the configuration of a Linux guest has for each of its NICs: by a rule that names its MAC, by a
 * configuration with its MAC, by one with an address that it had, by a lease of such an address, and, where one NIC and one
 * name are left, those. What is tied to the MAC alone needs no name. Pure.
 */
export function namesOfNics(nics: readonly KnownNic[], files: readonly GuestFile[]): NicNames {
  const read = files.map(readNetworkFile);
  const virtual = new Set(read.flatMap((file) => file.virtual ?? []));
  const everything = read
    .flatMap((file) => file.nics)
    .filter(({ name }) => name === undefined || !virtual.has(name))
    .toSorted((a, b) => b.modifiedAt - a.modifiedAt);
  const names = new Assignment();
  const byMac = (by: NicSaid['by']): void => {
    for (const { mac, name } of everything.filter((each) => each.by === by))
      if (mac !== undefined && name !== undefined && nics.some((nic) => nic.mac === mac))
        names.give(mac, name);
  };
  const byAddress = (by: NicSaid['by']): void => {
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

/** One name for each NIC, one NIC for each name: the first that is given stays. */
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
