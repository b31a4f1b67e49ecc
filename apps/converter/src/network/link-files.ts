/** Files by their paths in the guest. */
export type NewFiles = Readonly<Record<string, string>>;

const NOTE =
  '# Written by Ledgerlift when the machine was migrated: its network is configured for a NIC of this name.\n';

/**
 * What keeps the names of NICs in a Linux guest whose NICs come to other slots. Both are needed: systemd's `.link` wins over
 * predictable names, and an older udev knows rules only. A NIC's MAC is also that of VLANs, bonds and bridges on it, which
 * are not to be renamed; what is on a bus, they are not.
 */
export function linkFiles(named: readonly { readonly mac: string; readonly name: string }[]): NewFiles {
  if (named.length === 0) return {};
  const links = named.map(({ mac, name }): [string, string] => [
    `/etc/systemd/network/10-ledgerlift-${name}.link`,
    `${NOTE}[Match]\nMACAddress=${mac}\nPath=*pci-*\n\n[Link]\nNamePolicy=\nName=${name}\n`,
  ]);
  const rules = named.map(
    ({ mac, name }) =>
      `SUBSYSTEM=="net", ACTION=="add", DRIVERS=="?*", ATTR{address}=="${mac}", ATTR{type}=="1", NAME="${name}"\n`,
  );
  return Object.fromEntries([...links, ['/etc/udev/rules.d/70-ledgerlift-net.rules', NOTE + rules.join('')]]);
}
