import {
  type FileFacts,
  type GuestFile,
  readDhclientLeases,
  readIfcfg,
  readInterfaces,
  readUdevRules,
  readWickedLease,
} from './network-files.js';
import {
  readKeyfile,
  readLink,
  readManagerLease,
  readNetdev,
  readNetplan,
  readNetworkd,
} from './renderers.js';

export { addressOf, type FileFacts, type GuestFile, macOf, type NicFact } from './network-files.js';

/** Folders of a Linux guest with the names of its NICs. */
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

const FORMATS: readonly (readonly [path: RegExp, read: (file: GuestFile) => FileFacts])[] = [
  // Ignore backup files of editors and packagers.
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

/** Parses the NICs in one file of the guest; empty for an unknown format. Pure. */
export function readNetworkFile(file: GuestFile): FileFacts {
  const [, read] = FORMATS.find(([path]) => path.test(file.path)) ?? [];
  return read?.(file) ?? { nics: [] };
}
