import { describe, expect, it } from '@jest/globals';
import { ConsoleReader } from './console.js';

const verdictOf = (text: string, marker?: RegExp) => new ConsoleReader(marker).push(Buffer.from(text));

describe('the console of a guest', () => {
  it.each([
    'Debian GNU/Linux 12 web ttyS0\r\n\r\nweb login: ',
    '\u001b[H\u001b[Jweb login:',
    '[\u001b[0;32m  OK  \u001b[0m] Reached target \u001b[0;1;39mmulti-user.target\u001b[0m - Multi-User System.',
    'SAC>',
  ])('that shows %j has booted', (text) => expect(verdictOf(text)).toMatchObject({ booted: true }));

  it.each([
    ['No bootable device.', /no bootable device/],
    ['BdsDxe: No bootable option or device was found.', /no bootable device/],
    ['ALERT!  UUID=e509 does not exist.  Dropping to a shell!\r\n(initramfs) ', /initramfs shell/],
    ['[ 1.2] Kernel panic - not syncing: VFS: Unable to mount root fs', /panicked/],
    ['error: no such device\r\ngrub rescue> ', /boot loader/],
    ['Press ESC in 1 seconds to skip startup.nsh\r\nShell> ', /UEFI shell/],
    ['dracut:/# ', /dracut/],
    ['You are in emergency mode. After logging in, type "journalctl -xb"', /emergency/],
  ])('that shows %j has not booted', (text, why) =>
    expect(verdictOf(text)).toMatchObject({ booted: false, why: expect.stringMatching(why) }),
  );

  it.each([
    'Welcome to GRUB!',
    'Last login: Mon Nov 23 on ttyS0',
    'systemd-logind: New session',
    'Begin: Running /scripts/local-block ... done.',
    'udevadm: loaded initramfs image (initramfs) in memory',
  ])('that shows %j has no verdict yet', (text) => expect(verdictOf(text)).toBeUndefined());

  it('is understood in pieces of any size', () => {
    const reader = new ConsoleReader();
    const bytes = Buffer.from('grüß \u001b[1mweb\u001b[0m log\u001b[0min: ');
    const verdicts = Array.from(bytes, (byte) => reader.push(Buffer.from([byte])));
    expect(verdicts.slice(0, -2).every((verdict) => verdict === undefined)).toBe(true);
    expect(verdicts.at(-1)).toMatchObject({ booted: true });
    expect(reader.lastLines(1)).toEqual(['grüß web login:']);
  });

  it('is also checked for a custom marker', () =>
    expect(verdictOf('boot complete, have fun', /boot complete/m)).toMatchObject({ booted: true }));

  it('shows a repeated line once', () => {
    const reader = new ConsoleReader();
    reader.push(Buffer.from(`first\r\n${'waiting\r\n'.repeat(20)}\r\nlast`));
    expect(reader.lastLines(3)).toEqual(['first', 'waiting (20 times)', 'last']);
  });

  it('uses bounded memory', () => {
    const reader = new ConsoleReader();
    for (let index = 0; index < 200; index += 1) reader.push(Buffer.alloc(65_536, 'x'));
    expect(reader.lastLines(10).join('').length).toBeLessThan(4096);
  });
});
