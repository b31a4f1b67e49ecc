import { readIfcfg } from './ifcfg.js';
import { readInterfaces } from './interfaces.js';
import { readDhclientLeases, readWickedLease } from './leases.js';
import { readNetplan } from './netplan.js';
import { readKeyfile, readManagerLease } from './network-manager.js';
import { readLink, readNetdev, readNetworkd } from './networkd.js';
import type { FileSaid, GuestFile } from './reading.js';
import { readUdevRules } from './udev.js';

export { addressOf, type FileSaid, type GuestFile, macOf, type NicSaid } from './reading.js';

/** Folders of a Linux guest that say how its NICs are called. */
export const NETWORK_FOLDERS = [
  '/etc/sysconfig/network-scripts',
  '/etc/sysconfig/network',
  '/etc/NetworkManager/system-connections',
  '/etc/netplan',
  '/etc/network',
  '/etc/systemd/network',
  '/etc/udev/rules.d',
  '/var/lib/NetworkManager',
  '/var/lib/dhclient',
  '/var/lib/dhcp',
  '/var/lib/wicked',
] as const;

const FORMATS: readonly (readonly [path: RegExp, read: (file: GuestFile) => FileSaid])[] = [
  // What editors and packagers leave beside a file is none.
  [/(~|\.(bak|orig|old|rpmnew|rpmsave|dpkg-(old|new|dist)|swp))$/, () => ({ nics: [] })],
  [/^\/etc\/sysconfig\/(network-scripts|network)\/ifcfg-[^/]+$/, readIfcfg],
  [/^\/etc\/NetworkManager\/system-connections\/[^/]+$/, readKeyfile],
  [/^\/etc\/netplan\/[^/]+\.ya?ml$/, readNetplan],
  [/^\/etc\/network\/(interfaces|interfaces\.d\/[^/]+)$/, readInterfaces],
  [/^\/etc\/systemd\/network\/[^/]+\.network$/, readNetworkd],
  [/^\/etc\/systemd\/network\/[^/]+\.link$/, readLink],
  [/^\/etc\/systemd\/network\/[^/]+\.netdev$/, readNetdev],
  [/^\/etc\/udev\/rules\.d\/[^/]+\.rules$/, readUdevRules],
  [/^\/var\/lib\/NetworkManager\/dhclient[^/]*\.lease$/, readDhclientLeases],
  [/^\/var\/lib\/NetworkManager\/[^/]+\.lease$/, readManagerLease],
  [/^\/var\/lib\/(dhclient|dhcp)\/[^/]+\.leases?$/, readDhclientLeases],
  [/^\/var\/lib\/wicked\/lease-[^/]+\.xml$/, readWickedLease],
];

/** What one file of the guest says of its NICs; nothing where it is of no format that is known. Pure. */
export function readNetworkFile(file: GuestFile): FileSaid {
  const [, read] = FORMATS.find(([path]) => path.test(file.path)) ?? [];
  return read?.(file) ?? { nics: [] };
}
