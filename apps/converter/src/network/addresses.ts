import type { SourceVm } from '@ledgerlift/contracts';
import { isIPv4 } from 'node:net';
import { addressOf, macOf } from './formats/index.js';

export interface StaticAddress {
  readonly ip: string;
  readonly prefix: number;
}

export interface StaticRoute {
  readonly network: string;
  readonly prefix: number;
  readonly gateway: string;
}

/** Manually configured settings of a NIC, to be restored. */
export interface StaticNic {
  readonly mac: string;
  readonly addresses: readonly StaticAddress[];
  readonly gateways: readonly string[];
  readonly dns: readonly string[];
  /** Without default routes. */
  readonly routes: readonly StaticRoute[];
}

/**
 * The guest's NICs with static addresses, as reported by its tools. An address of unknown origin counts as static on a
 * NIC without DHCP addresses. Pure.
 */
export function staticNics({ guest }: Pick<SourceVm, 'guest'>): StaticNic[] {
  return (guest?.nics ?? []).flatMap((nic) => {
    const mac = macOf(nic.mac);
    const hasDhcp = nic.addresses.some(({ origin }) => origin === 'dhcp');
    const addresses = nic.addresses.flatMap(({ ip, prefix, origin }) => {
      const address = addressOf(ip);
      const isStatic = origin === 'static' || (origin === undefined && !hasDhcp);
      return address === undefined || !isStatic || isOfTheLink(address) ? [] : [{ ip: address, prefix }];
    });
    if (mac === undefined || addresses.length === 0) return [];
    const throughIt = (guest?.routes ?? []).flatMap(({ network, prefix, gateway, mac: through }) => {
      const [to, by] = [addressOf(network), addressOf(gateway)];
      if (to === undefined || by === undefined || isOfNobody(by)) return [];
      const isThroughIt =
        through === undefined ? addresses.some((address) => isIn(by, address)) : macOf(through) === mac;
      return isThroughIt && addresses.some(({ ip }) => isIPv4(ip) === isIPv4(to))
        ? [{ network: to, prefix, gateway: by }]
        : [];
    });
    return [
      {
        mac,
        addresses,
        gateways: [...new Set(throughIt.filter(isDefault).map(({ gateway }) => gateway))],
        dns: [...new Set(nic.dns.flatMap((each) => addressOf(each) ?? []))].filter((ip) => !isOfTheLink(ip)),
        routes: throughIt.filter((route) => !isDefault(route)),
      },
    ];
  });
}

const isDefault = ({ prefix, network }: StaticRoute): boolean => prefix === 0 && isOfNobody(network);
const isOfNobody = (ip: string): boolean => ip === '0.0.0.0' || ip === '::';
/** Link-local addresses, which each NIC assigns to itself. */
const isOfTheLink = (ip: string): boolean => /^(169\.254\.|fe[89ab])/.test(ip);

/** Whether an IPv4 address is in the network of another. */
function isIn(ip: string, { ip: of, prefix }: StaticAddress): boolean {
  if (!isIPv4(ip) || !isIPv4(of)) return false;
  const bits = (text: string): number =>
    text.split('.').reduce((sum, byte) => ((sum << 8) | Number(byte)) >>> 0, 0);
  const mask = prefix === 0 ? 0 : (~0 << (32 - prefix)) >>> 0;
  return (bits(ip) & mask) >>> 0 === (bits(of) & mask) >>> 0;
}

/**
 * virt-v2v's arguments for the first address of each NIC with a gateway of the same address family: virt-v2v accepts a
 * prefix length only after a gateway (cannot parse an empty one, seen with 2.2.0). Linux guests ignore them.
 */
export const macArguments = (nics: readonly StaticNic[]): string[] =>
  nics.flatMap((nic) => {
    const first = firstOf(nic);
    if (first === undefined) return [];
    const fields = [first.address.ip, first.gateway, String(first.address.prefix), ...nic.dns];
    return ['--mac', `${nic.mac}:ip:${fields.join(',')}`];
  });

function firstOf({
  addresses,
  gateways,
}: StaticNic): { address: StaticAddress; gateway: string } | undefined {
  for (const address of addresses.toSorted((a, b) => Number(isIPv4(b.ip)) - Number(isIPv4(a.ip)))) {
    const gateway = gateways.find((each) => isIPv4(each) === isIPv4(address.ip));
    if (gateway !== undefined) return { address, gateway };
  }
  return undefined;
}

/**
 * PowerShell for a Windows guest's first boot that adds settings beyond those of virt-v2v's script: further addresses,
 * NICs without a gateway, further gateways and routes. Undefined if there are none. The script may run twice.
 */
export function firstBootScript(nics: readonly StaticNic[]): string | undefined {
  const blocks = nics.flatMap((nic) => {
    const first = firstOf(nic);
    const lines = [
      ...nic.addresses
        .filter(({ ip }) => ip !== first?.address.ip)
        .map(({ ip, prefix }) => `Add-Address $index '${ip}' ${prefix}`),
      ...(first === undefined && nic.dns.length > 0
        ? [
            `Set-DnsClientServerAddress -InterfaceIndex $index -ServerAddresses ${nic.dns.map((ip) => `'${ip}'`).join(',')}`,
          ]
        : []),
      ...nic.gateways
        .filter((gateway) => gateway !== first?.gateway)
        .map((gateway) => `Add-Route $index '${isIPv4(gateway) ? '0.0.0.0/0' : '::/0'}' '${gateway}'`),
      ...nic.routes.map(
        ({ network, prefix, gateway }) => `Add-Route $index '${network}/${prefix}' '${gateway}'`,
      ),
    ];
    return lines.length === 0
      ? []
      : [
          `$index = Get-Index '${nic.mac.toUpperCase().replaceAll(':', '-')}'\n` +
            `if ($index) {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`,
        ];
  });
  return blocks.length === 0 ? undefined : FIRST_BOOT + blocks.join('');
}

const FIRST_BOOT = `# Written by Ledgerlift when the machine was migrated: gives its network adapters the addresses and routes
# that they had before.
function Get-Index($mac) {
  # The adapter's driver may be installed at this very boot.
  for ($try = 0; $try -lt 60; $try++) {
    $adapter = Get-NetAdapter -Physical -ErrorAction SilentlyContinue | Where-Object MacAddress -eq $mac
    if ($adapter) { return @($adapter)[0].ifIndex }
    Start-Sleep -Seconds 5
  }
  Write-Host "there is no adapter $mac"
}
function Add-Address($index, $ip, $prefix) {
  if (-not (Get-NetIPAddress -InterfaceIndex $index -IPAddress $ip -ErrorAction SilentlyContinue)) {
    New-NetIPAddress -InterfaceIndex $index -IPAddress $ip -PrefixLength $prefix
  }
}
function Add-Route($index, $prefix, $gateway) {
  # The same one, of the adapter that is gone.
  Get-NetRoute -DestinationPrefix $prefix -NextHop $gateway -ErrorAction SilentlyContinue |
    Where-Object InterfaceIndex -ne $index | Remove-NetRoute -Confirm:$false -ErrorAction SilentlyContinue
  if (-not (Get-NetRoute -InterfaceIndex $index -DestinationPrefix $prefix -NextHop $gateway -ErrorAction SilentlyContinue)) {
    New-NetRoute -InterfaceIndex $index -DestinationPrefix $prefix -NextHop $gateway
  }
}
`;
