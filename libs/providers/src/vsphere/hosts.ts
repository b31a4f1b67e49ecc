import type { ProviderSpec } from '@ledgerlift/contracts';

/** Where a vSphere is reached: the server of the settings' URL, and the hosts that disks are read from directly. Pure. */
export function vsphereHosts(spec: ProviderSpec): readonly string[] {
  if (spec.type !== 'vsphere') return [];
  const { url, hosts } = spec.settings;
  const server = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return [...new Set([server, ...hosts.map(({ host, address }) => address ?? host)])];
}
