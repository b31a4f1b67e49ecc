import { StringDecoder } from 'node:string_decoder';

export type Verdict = { readonly booted: boolean; readonly why: string };

interface Marker {
  readonly pattern: RegExp;
  readonly why: string;
}

const booted: readonly Marker[] = [
  { pattern: /\blogin:[ \t]*$/m, why: 'a login prompt' },
  { pattern: /Reached target .*(Multi-User System|Graphical Interface)/, why: 'its services are up' },
  // Emergency Management Services of Windows, if enabled.
  { pattern: /^SAC>/m, why: 'the Windows management console' },
];

const failed: readonly Marker[] = [
  { pattern: /No bootable device/, why: 'the firmware found no bootable device' },
  { pattern: /No bootable option or device was found/, why: 'the firmware found no bootable device' },
  { pattern: /^(UEFI )?Shell> *$/m, why: 'it ended in the UEFI shell' },
  { pattern: /^grub( rescue)?> *$/m, why: 'it ended in the boot loader' },
  { pattern: /Kernel panic - not syncing/, why: 'the kernel panicked' },
  {
    pattern: /^\(initramfs\)/m,
    why: 'it ended in the initramfs shell, as when the kernel finds no root disk (no driver for it?)',
  },
  {
    pattern: /dracut:\/#|Generating "\/run\/initramfs\/rdsosreport/,
    why: 'it ended in the dracut shell, as when the kernel finds no root disk (no driver for it?)',
  },
  {
    pattern: /You are in (emergency|rescue) mode|Give root password for maintenance/,
    why: 'it ended in emergency mode, as when a disk of /etc/fstab is missing',
  },
];

/** Characters kept: enough for any marker, and for the last lines. */
const KEPT = 16_384;
// Terminal control: CSI, OSC and two-character escapes (ECMA-48).
const ESCAPES = /\u{1b}(?:\[[0-?]*[ -/]*[@-~]|\][^\u{7}\u{1b}]*(?:\u{7}|\u{1b}\\)|[@-Z\\^_a-z])/gu;

/** Collects the serial console's output as text, and derives whether the guest has booted. */
export class ConsoleReader {
  readonly #decoder = new StringDecoder('utf8');
  readonly #booted: readonly Marker[];
  #raw = '';

  /** @param marker a further pattern that means that the guest has booted */
  constructor(marker?: RegExp) {
    this.#booted =
      marker === undefined
        ? booted
        : [{ pattern: marker, why: `the console shows ${String(marker)}` }, ...booted];
  }

  /** Takes more output. @returns the verdict, or undefined while it is open */
  push(chunk: Buffer): Verdict | undefined {
    this.#raw = (this.#raw + this.#decoder.write(chunk)).slice(-KEPT);
    const text = this.#text();
    // Check success first: a failed guest shows no prompt afterwards, but a booted one may print about a panic.
    const up = this.#booted.find(({ pattern }) => pattern.test(text));
    if (up !== undefined) return { booted: true, why: up.why };
    const down = failed.find(({ pattern }) => pattern.test(text));
    return down === undefined ? undefined : { booted: false, why: down.why };
  }

  /** The last non-empty lines; repeated lines appear once with their count. */
  lastLines(count: number): string[] {
    const lines: { text: string; times: number }[] = [];
    for (const line of this.#text().split('\n')) {
      const text = line.trim().slice(0, 200);
      const previous = lines.at(-1);
      if (text === '') continue;
      if (previous?.text === text) previous.times += 1;
      else lines.push({ text, times: 1 });
    }
    return lines.slice(-count).map(({ text, times }) => (times === 1 ? text : `${text} (${times} times)`));
  }

  #text(): string {
    return this.#raw
      .replace(ESCAPES, '')
      .replace(/\r+\n?/g, '\n')
      .replace(/[^\n\t\u{20}-\u{7e}\u{a0}-\u{10ffff}]/gu, '');
  }
}
