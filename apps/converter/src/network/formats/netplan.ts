import { parse } from 'yaml';
import { z } from 'zod';
import { addressesOf, type FileSaid, type GuestFile, macOf, nameOf, said } from './reading.js';

const Address = z.union([
  z.string(),
  z.record(z.string(), z.unknown()).transform((of) => Object.keys(of)[0]),
]);
const Ethernet = z.looseObject({
  match: z.looseObject({ macaddress: z.string().optional(), name: z.unknown().optional() }).nullish(),
  'set-name': z.string().optional(),
  addresses: z.array(Address).nullish(),
});
const Devices = z.record(z.string(), z.unknown()).nullish();
const Netplan = z.looseObject({
  network: z.looseObject({ ethernets: Devices, bonds: Devices, bridges: Devices, vlans: Devices }),
});

/** A netplan file (netplan-yaml(5)): the key of a device is its name, unless it says what it matches. */
export function readNetplan(file: GuestFile): FileSaid {
  const { data } = Netplan.safeParse(yamlOf(file.text));
  if (data === undefined) return { nics: [] };
  const { ethernets, bonds, bridges, vlans } = data.network;
  const nics = Object.entries(ethernets ?? {}).flatMap(([id, value]) => {
    const ethernet = Ethernet.safeParse(value ?? {}).data;
    if (ethernet === undefined) return [];
    const { match, addresses } = ethernet;
    const matched = typeof match?.name === 'string' ? match.name : undefined;
    const name = nameOf(ethernet['set-name'] ?? (match === undefined || match === null ? id : matched));
    return said('configuration', file, name, macOf(match?.macaddress), addressesOf(addresses ?? []));
  });
  return { nics, virtual: [bonds, bridges, vlans].flatMap((devices) => Object.keys(devices ?? {})) };
}

function yamlOf(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch {
    return undefined;
  }
}
