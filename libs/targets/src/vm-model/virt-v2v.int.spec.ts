import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type TemporaryFolder, temporaryFolder, vmRecord } from '@ledgerlift/testing';
import { sourceDomainXml } from './index.js';

let temporary: TemporaryFolder;
let folder: string;
beforeAll(() => {
  temporary = temporaryFolder('domain');
  folder = temporary.path;
});
afterAll(() => temporary.remove());

it.each(['bios', 'efi'] as const)('virt-v2v reads the source domain as it is meant (%s)', (firmware) => {
  const disks = [0, 1].map((index) => join(folder, `a & b's ${firmware} ${index}.qcow2`));
  for (const disk of disks) execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '--', disk, '1M']);
  const xml = join(folder, 'domain.xml');
  writeFileSync(
    xml,
    sourceDomainXml(
      vmRecord({
        disks: 2,
        vm: { firmware, cpu: { count: 4, coresPerSocket: 2, affinity: [], hotAdd: false } },
      }),
      disks,
    ),
  );
  const source = execFileSync('virt-v2v', ['--print-source', '-i', 'libvirtxml', xml], { encoding: 'utf8' });
  expect(source).toMatch(/source name: web$/m);
  expect(source).toMatch(/memory: 1073741824 \(bytes\)/);
  expect(source).toMatch(/nr vCPUs: 4$/m);
  expect(source).toMatch(/sockets: 2 cores\/socket: 2 threads\/core: 1/);
  expect(source).toMatch(firmware === 'efi' ? /firmware: uefi/ : /firmware: bios/);
  expect(source).toMatch(/0 \[scsi\]\s+1 \[scsi\]/);
  expect(source).toMatch(/Network "VM Network" mac: 00:50:56:aa:bb:cc/);
});
