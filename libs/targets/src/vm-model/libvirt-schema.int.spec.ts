import { execFileSync } from 'node:child_process';
import { temporaryFolder, vmRecord } from '@ledgerlift/testing';
import { writeFileSync } from 'node:fs';
import { afterAll, expect, it } from '@jest/globals';
import { libvirtDomain, targetVm } from './index.js';

/** libvirt's own schema of domains, from Debian's libvirt0. */
const SCHEMA = '/usr/share/libvirt/schemas/domain.rng';
const folder = temporaryFolder('libvirt-schema');
afterAll(() => folder.remove());

const families = ['linux', 'windows'] as const;
const firmwares = ['bios', 'efi'] as const;
const identities = [{}, { uuid: '423efd65-a73d-e159-a56d-dd25289f8b0c', serial: 'VMware-42 3e <fd>' }];
const cases = families.flatMap((family) =>
  firmwares.flatMap((firmware) => identities.map((identity) => ({ family, firmware, ...identity }))),
);

it.each(cases)('libvirt takes the domain of a target: %o', ({ family, firmware, ...identity }) => {
  const os = { id: family, description: family, family };
  const isSecure = firmware === 'efi';
  const vm = { name: '"Büro" & Co', firmware, secureBoot: isSecure, tpm: isSecure, os, ...identity };
  const capabilities =
    family === 'linux'
      ? ({ diskBus: 'virtio', nicModel: 'virtio', rng: true, balloon: true } as const)
      : undefined;
  const domain = targetVm(vmRecord({ disks: 2, vm }), { capabilities });
  const file = folder.file(`${family}-${firmware}-${Object.keys(identity).length}.xml`);
  writeFileSync(file, libvirtDomain(domain, ['/out/a.raw', '/out/b.raw']));
  const validate = ['--noout', '--relaxng', SCHEMA, file];
  // What is wrong is in the error's message.
  expect(() => execFileSync('xmllint', validate, { stdio: ['ignore', 'ignore', 'pipe'] })).not.toThrow();
});
