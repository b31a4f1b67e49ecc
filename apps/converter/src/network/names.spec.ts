import { describe, expect, it } from '@jest/globals';
import type { GuestFile } from './formats/index.js';
import { linkFiles } from './guest-files.js';
import { namesOfNics } from './names.js';

const A = '00:50:56:00:00:0a';
const B = '00:50:56:00:00:0b';
const file = (path: string, text: string, modifiedAt = 1): GuestFile => ({ path, text, modifiedAt });
const nics = (a: readonly string[] = [], b: readonly string[] = []) => [
  { mac: A, addresses: a },
  { mac: B, addresses: b },
];

describe('a name that the configuration ties to a MAC', () => {
  it.each([
    [
      'ifcfg',
      file('/etc/sysconfig/network-scripts/ifcfg-ens192', 'DEVICE=ens192\nHWADDR="00:50:56:00:00:0B"\n'),
    ],
    [
      'a keyfile of NetworkManager',
      file(
        '/etc/NetworkManager/system-connections/lan.nmconnection',
        `[connection]\ntype=ethernet\ninterface-name=ens192\n[ethernet]\nmac-address=${B}\n`,
      ),
    ],
    [
      'netplan',
      file(
        '/etc/netplan/50-cloud-init.yaml',
        `network:\n  ethernets:\n    lan:\n      match: {macaddress: "${B}"}\n      set-name: ens192\n`,
      ),
    ],
    ['a .link', file('/etc/systemd/network/10-lan.link', `[Match]\nMACAddress=${B}\n[Link]\nName=ens192\n`)],
    [
      'a rule of udev',
      file(
        '/etc/udev/rules.d/70-persistent-net.rules',
        `SUBSYSTEM=="net", ACTION=="add", ATTR{address}=="${B}", NAME="ens192"\n`,
      ),
    ],
  ])('is taken from %s', (_, said) => {
    expect(namesOfNics(nics(), [said]).named).toEqual([{ mac: B, name: 'ens192' }]);
  });
});

describe('a name that follows from an address', () => {
  it.each([
    [
      'interfaces',
      file('/etc/network/interfaces', 'auto eth7\niface eth7 inet static\n address 10.0.0.5/24\n'),
    ],
    [
      'a .network',
      file('/etc/systemd/network/lan.network', '[Match]\nName=eth7\n[Network]\nAddress=10.0.0.5/24\n'),
    ],
    [
      'netplan',
      file('/etc/netplan/a.yaml', 'network:\n  ethernets:\n    eth7:\n      addresses: [10.0.0.5/24]\n'),
    ],
    [
      'a lease of dhclient',
      file('/var/lib/dhcp/dhclient.leases', 'lease {\n  interface "eth7";\n  fixed-address 10.0.0.5;\n}\n'),
    ],
  ])('is taken from %s', (_, said) => {
    expect(namesOfNics(nics(['10.0.0.9'], ['10.0.0.5']), [said]).named).toEqual([{ mac: B, name: 'eth7' }]);
  });
});

describe('names of NICs', () => {
  const interfaces = file('/etc/network/interfaces', 'iface ens192 inet dhcp\niface ens224 inet dhcp\n');

  it('are matched if one NIC and one name are left', () => {
    const link = file('/etc/systemd/network/1.link', `[Match]\nMACAddress=${A}\n[Link]\nName=ens192\n`);
    expect(namesOfNics(nics(), [interfaces, link])).toEqual({
      named: [
        { mac: A, name: 'ens192' },
        { mac: B, name: 'ens224' },
      ],
      unknown: [],
    });
  });

  it('are unknown if nothing identifies their NIC', () => {
    expect(namesOfNics(nics(), [interfaces])).toEqual({ named: [], unknown: [A, B] });
  });

  it('exclude bonds, bridges, aliases and patterns', () => {
    const files = [
      file(
        '/etc/network/interfaces',
        'iface bond0 inet dhcp\n bond-slaves ens192 ens224\niface br0 inet dhcp\n bridge_ports bond0\n',
      ),
      file('/etc/systemd/network/all.network', '[Match]\nName=en*\n[Network]\nDHCP=yes\n'),
      file('/etc/sysconfig/network-scripts/ifcfg-eth0:1', 'DEVICE=eth0:1\nIPADDR=10.0.0.6\n'),
    ];
    expect(namesOfNics(nics(), files)).toEqual({ named: [], unknown: [] });
  });

  it('survive garbage', () => {
    const garbage = ['{', '[', '\0\u{fffd}', '&a [*a]', 'network: 5', 'lease {', '[Match', '=='];
    const paths = [
      '/etc/netplan/x.yaml',
      '/etc/network/interfaces',
      '/var/lib/dhcp/x.leases',
      '/etc/systemd/network/x.link',
    ];
    for (const path of paths)
      for (const text of garbage) expect(namesOfNics(nics(), [file(path, text)]).named).toEqual([]);
  });

  it('are unique for each NIC', () => {
    const rules = [A, B].map((mac) => `SUBSYSTEM=="net", ATTR{address}=="${mac}", NAME="eth0"`).join('\n');
    const { named } = namesOfNics(nics(), [file('/etc/udev/rules.d/7.rules', rules)]);
    expect(named).toEqual([{ mac: A, name: 'eth0' }]);
  });
});

it('are kept by a .link and a rule for each', () => {
  const files = linkFiles([{ mac: A, name: 'ens192' }]);
  expect(Object.keys(files)).toEqual([
    '/etc/systemd/network/10-ledgerlift-ens192.link',
    '/etc/udev/rules.d/70-ledgerlift-net.rules',
  ]);
  expect(linkFiles([])).toEqual({});
});
