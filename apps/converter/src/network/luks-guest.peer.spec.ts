import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { VmRecord } from '@ledgerlift/contracts';
import { layoutOf, openSubfolderOf } from '@ledgerlift/targets';
import { applianceEnvironment, temporaryFolder } from '@ledgerlift/testing';
import { readConverterSettings } from '../config.js';
import { luksKeysOf } from '../luks/index.js';
import { makeOverlays } from '../overlays/index.js';
import { attemptOf } from '../spec/attempt.js';
import { vmOf } from '../spec/vm.js';
import { workplaceOf } from '../steps/workplace.js';
import { keepNetwork } from './index.js';

const PASSPHRASE = 'correct horse battery staple';
const MAC = '00:50:56:aa:bb:cc';
const folder = temporaryFolder('luks-guest');
const environment = { ...process.env, ...applianceEnvironment() };
const before = process.env['LEDGERLIFT_SECRETS_DIR'];
let record: VmRecord;
let uuid: string;
const disk = (): string => folder.file(record.disks[0]?.name ?? '');
const log = (): string => readFileSync(folder.file(layoutOf(record).logs.conversion), 'utf8');

/** @returns what guestfish printed */
const guestfish = (script: string, ...args: readonly string[]): string =>
  execFileSync('guestfish', [...args], {
    input: script,
    env: { ...environment, LIBGUESTFS_BACKEND: 'direct' },
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
  });

/** A Linux, as far as libguestfs looks, whose root is encrypted. */
beforeAll(() => {
  process.env['LEDGERLIFT_SECRETS_DIR'] = folder.path;
  record = vmOf({ root: folder.path, disks: 1, format: 'raw' });
  for (const nic of record.source.vm.nics) nic.mac = MAC;
  mkdirSync(folder.file('default/web'), { recursive: true });
  execFileSync('qemu-img', ['create', '-q', '-f', 'raw', disk(), '128M']);
  writeFileSync(folder.file('passphrase'), `${PASSPHRASE}\n${PASSPHRASE}\n`);
  const script = `run
part-disk /dev/sda gpt
luks-format /dev/sda1 0
luks-open /dev/sda1 root
mkfs ext4 /dev/mapper/root
mount /dev/mapper/root /
mkdir-p /etc/netplan
mkdir /bin
mkdir /usr
write /etc/fstab "/dev/mapper/root / ext4 defaults 0 0\\n"
write /etc/os-release "ID=debian\\nVERSION_ID=\\"12\\"\\nNAME=Debian\\n"
write /etc/debian_version "12.5\\n"
write /etc/netplan/lan.yaml "network:\\n  ethernets:\\n    ens192:\\n      dhcp4: true\\n"
vfs-uuid /dev/sda1
`;
  uuid = execFileSync(
    'sh',
    [
      '-c',
      `exec guestfish --keys-from-stdin --format=raw -a "$1" -f "$2" <"$3"`,
      'sh',
      disk(),
      put('make', script),
      folder.file('passphrase'),
    ],
    { env: { ...environment, LIBGUESTFS_BACKEND: 'direct' }, encoding: 'utf8' },
  ).trim();
  mkdirSync(folder.file('disk-keys'));
  writeFileSync(folder.file('disk-keys', uuid), PASSPHRASE);
  record.settings.luks = { secret: { name: 'disk-keys' }, clevis: [] };
}, 600_000);
afterAll(async () => {
  if (before === undefined) delete process.env['LEDGERLIFT_SECRETS_DIR'];
  else process.env['LEDGERLIFT_SECRETS_DIR'] = before;
  await folder.remove();
});
function put(name: string, text: string): string {
  writeFileSync(folder.file(name), text);
  return folder.file(name);
}

describe('a guest whose root is encrypted', () => {
  it('keeps the names of its NICs, by a key that nothing shows', async () => {
    const settings = readConverterSettings({ ...environment, LEDGERLIFT_V2V_TRACE: 'on' });
    const attempt = attemptOf(record, { step: 'ImageConversion' });
    const place = await workplaceOf(attempt, settings.scratch);
    await openSubfolderOf(record, place.log.name);
    await makeOverlays(place.overlays, attempt.signal);
    const keys = await luksKeysOf(record);
    expect(await keepNetwork({ attempt, place, settings, keys, family: 'linux' })).toEqual([]);
    const key = `${uuid}:file:${folder.file('disk-keys', uuid)}`;
    const [{ path } = { path: '' }] = place.overlays;
    const link = guestfish(
      'cat /etc/systemd/network/10-ledgerlift-ens192.link\n',
      ...['--ro', '--format=qcow2', '-a', path, '--key', key, '-i'],
    );
    expect(link).toContain(`MACAddress=${MAC}`);
    expect(log()).not.toContain(PASSPHRASE);
    expect(JSON.stringify(attempt.conditions)).not.toContain(PASSPHRASE);
  });

  it('is left as it is where no key opens it, and the VM says so', async () => {
    const settings = readConverterSettings(environment);
    const attempt = attemptOf(record, { step: 'ImageConversion', attempt: 2 });
    const place = await workplaceOf(attempt, settings.scratch);
    await makeOverlays(place.overlays, attempt.signal);
    const keys = { arguments: [], files: {} };
    expect(await keepNetwork({ attempt, place, settings, keys, family: 'linux' })).toMatchObject([
      { type: 'NetworkNotKept', category: 'Warn' },
    ]);
  });
});
