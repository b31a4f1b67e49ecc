import {
  addressesOf,
  type FileSaid,
  fileName,
  type GuestFile,
  macOf,
  nameOf,
  said,
  unquoted,
} from './reading.js';

/** What no NIC's file has: the names of what is made of NICs. */
const VIRTUAL =
  /^(bond|bonding|bridge|team|vlan|infiniband|tun|tap|wireless|loopback|dummy|macvlan|ovs\w*)$/i;
/** As kernels and udev name NICs; a profile's file may be called anything. */
const NIC_NAME = /^(eth\d|en[opsxi]\w|em\d|p\d+p\d)/;

/**
 * `ifcfg-*` of Red Hat's and SUSE's network scripts, and of NetworkManager's plugin for them: assignments for a shell
 * (sysconfig.txt of initscripts, ifcfg(5) of SUSE). SUSE's are named after the NIC.
 */
export function readIfcfg(file: GuestFile): FileSaid {
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
  return { nics: said('configuration', file, name, mac, addressesOf(addresses)) };
}

const isVirtual = (values: ReadonlyMap<string, string>): boolean =>
  VIRTUAL.test(values.get('TYPE') ?? '') ||
  VIRTUAL.test(values.get('DEVICETYPE') ?? '') ||
  values.get('VLAN') === 'yes' ||
  ['BONDING_OPTS', 'BONDING_MASTER', 'BRIDGE_PORTS', 'ETHERDEVICE', 'TUNNEL', 'TEAM_CONFIG'].some((key) =>
    values.has(key),
  );
