import type { SourceGuest } from '@ledgerlift/contracts';
import type { VimNode } from '../soap/node.js';

type Properties = ReadonlyMap<string, VimNode>;
type Address = SourceGuest['nics'][number]['addresses'][number];

/** Origins of an address as guests tell them (vim.net.IpConfigInfo.IpAddressOrigin). */
const ORIGINS: Readonly<Record<string, Address['origin']>> = {
  manual: 'static',
  dhcp: 'dhcp',
  linklayer: 'other',
  random: 'other',
  other: 'other',
};

/** What the guest told last, through VMware Tools. */
export function guestOf(properties: Properties): SourceGuest {
  const listed = properties.get('guest.net')?.parts ?? [];
  const nics = listed.flatMap((nic) => {
    const mac = macOf(nic);
    const dns = nic.list('dnsConfig.ipAddress').map(({ text }) => text);
    return mac === undefined ? [] : [{ mac, addresses: addressesOf(nic), dns }];
  });
  const hostName = properties.get('guest.hostName')?.text;
  return {
    tools: toolsOf(properties),
    ...(hostName === undefined || hostName === '' ? {} : { hostName }),
    nics,
    routes: routesOf(properties, listed),
  };
}

/** Undefined of an adapter that is none of the VM's, such as that of a VPN. */
function macOf(nic: VimNode): string | undefined {
  const mac = nic.textAt('macAddress');
  return mac === undefined || mac === '' ? undefined : mac.toLowerCase();
}

function toolsOf(properties: Properties): SourceGuest['tools'] {
  const version = properties.get('guest.toolsVersionStatus2')?.text;
  if (version === 'guestToolsNotInstalled') return 'not-installed';
  switch (properties.get('guest.toolsRunningStatus')?.text) {
    case 'guestToolsRunning':
    case 'guestToolsExecutingScripts':
      return 'running';
    case 'guestToolsNotRunning':
      return 'not-running';
    default:
      return 'unknown';
  }
}

function addressesOf(nic: VimNode): Address[] {
  return nic.list('ipConfig.ipAddress').flatMap((address) => {
    const [ip, prefix] = [address.textAt('ipAddress'), address.numberAt('prefixLength')];
    if (ip === undefined || prefix === undefined || prefix < 0 || prefix > 128) return [];
    const origin = ORIGINS[address.textAt('origin') ?? ''];
    return [{ ip, prefix, ...(origin === undefined ? {} : { origin }) }];
  });
}

/**
 * @param listed `guest.net` as vSphere lists it: a route names its adapter by the place in that list
 * (vim.net.IpRouteConfigInfo.Gateway.device), which counts adapters without a MAC address, too
 */
function routesOf(properties: Properties, listed: readonly VimNode[]): SourceGuest['routes'] {
  const stacks = properties.get('guest.ipStack')?.parts ?? [];
  return stacks
    .flatMap((stack) => stack.list('ipRouteConfig.ipRoute'))
    .flatMap((route) => {
      const [network, prefix] = [route.textAt('network'), route.numberAt('prefixLength')];
      if (network === undefined || prefix === undefined || prefix < 0 || prefix > 128) return [];
      const gateway = route.textAt('gateway.ipAddress');
      const adapter = listed[route.numberAt('gateway.device') ?? -1];
      const mac = adapter && macOf(adapter);
      // Through an adapter that the target does not have. Without a MAC address it would be given to any NIC that fits.
      if (adapter !== undefined && mac === undefined) return [];
      const through = gateway === undefined || gateway === '' ? {} : { gateway };
      return [{ network, prefix, ...through, ...(mac === undefined ? {} : { mac }) }];
    });
}
