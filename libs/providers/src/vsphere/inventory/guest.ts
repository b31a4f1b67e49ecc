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
  const nics = (properties.get('guest.net')?.parts ?? []).flatMap((nic) => {
    const mac = nic.textAt('macAddress');
    if (mac === undefined || mac === '') return [];
    const dns = nic.list('dnsConfig.ipAddress').map(({ text }) => text);
    return [{ mac: mac.toLowerCase(), addresses: addressesOf(nic), dns }];
  });
  const hostName = properties.get('guest.hostName')?.text;
  return {
    tools: toolsOf(properties),
    ...(hostName === undefined || hostName === '' ? {} : { hostName }),
    nics,
    routes: routesOf(properties, nics),
  };
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

function routesOf(properties: Properties, nics: SourceGuest['nics']): SourceGuest['routes'] {
  const stacks = properties.get('guest.ipStack')?.parts ?? [];
  return stacks
    .flatMap((stack) => stack.list('ipRouteConfig.ipRoute'))
    .flatMap((route) => {
      const [network, prefix] = [route.textAt('network'), route.numberAt('prefixLength')];
      if (network === undefined || prefix === undefined || prefix < 0 || prefix > 128) return [];
      const gateway = route.textAt('gateway.ipAddress');
      // The device is told by its place among the guest's NICs.
      const mac = nics[route.numberAt('gateway.device') ?? -1]?.mac;
      const through = gateway === undefined || gateway === '' ? {} : { gateway };
      return [{ network, prefix, ...through, ...(mac === undefined ? {} : { mac }) }];
    });
}
