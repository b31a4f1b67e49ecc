import type { FailureClass } from '@ledgerlift/contracts';
import { ConversionFailed, type ConversionFailureCode, ConverterMissing } from '../errors.js';

interface Meaning {
  readonly code: ConversionFailureCode;
  readonly failure: FailureClass;
  readonly pattern: RegExp;
  readonly advice: string;
}

/**
 * Error messages of virt-v2v, most specific first. The texts are those of virt-v2v 2.2 to 2.10 and of libguestfs 1.48
 * (convert/*.ml, lib/launch-direct.c), which are not translated under LC_ALL=C.
 */
const MEANINGS: readonly Meaning[] = [
  {
    code: 'LL-CONV-019',
    failure: 'needs-operator',
    pattern: /insufficient free space in the conversion server/,
    advice: 'Make room there, or point LIBGUESTFS_CACHEDIR to a folder with more, then retry.',
  },
  {
    code: 'LL-CONV-010',
    failure: 'permanent',
    pattern: /inspection could not detect the source guest|No root device found/,
    advice:
      'Its disks may be blank, encrypted or damaged: check that it boots at the source. If it needs no conversion, ' +
      'migrate it with skipGuestConversion.',
  },
  {
    code: 'LL-CONV-012',
    failure: 'permanent',
    pattern: /multi-boot operating systems are not supported|root device .* not found/,
    advice: "Name the root device in the plan's rootDisk.",
  },
  {
    code: 'LL-CONV-011',
    failure: 'permanent',
    pattern:
      /unable to convert this guest type|not an installed operating system|does not support conversion of|is not supported by (virt-v2v|libguestfs inspection)/,
    advice: 'Migrate the VM with skipGuestConversion and useCompatibilityMode, or upgrade the guest first.',
  },
  {
    code: 'LL-CONV-013',
    failure: 'permanent',
    pattern: /not enough (free space|available inodes) for conversion/,
    advice: 'Make room inside the guest, then migrate it again.',
  },
  {
    code: 'LL-CONV-015',
    failure: 'permanent',
    pattern: /mounted read-only, even though|Hibernation|Fast Restart|unsafe state/,
    advice: 'Shut the guest down fully (no hibernation, no Fast Startup), then migrate it again.',
  },
  {
    code: 'LL-CONV-014',
    failure: 'permanent',
    pattern:
      /e2fsck|xfs_repair|detected errors on the XFS|btrfs_scrub|mount(_options)?: .*(exited with status|wrong fs type|bad superblock|Structure needs cleaning)|Bad message|Input\/output error/,
    advice: 'Check and repair the file systems in the guest, then migrate it again.',
  },
  {
    code: 'LL-CONV-018',
    failure: 'permanent',
    pattern:
      /no (usable )?(initrd|kernels?|bootloader)|no grub|could not (find|detect).*(bootloader|kernel)|No space left/i,
    advice: 'See the conversion log for the missing part of the guest.',
  },
  {
    code: 'LL-CONV-016',
    failure: 'transient',
    pattern:
      /supermin|did not start up|guestfs_launch|appliance|exited with error status \d+, see debug messages|guestfsd|lost connection|unexpected end of file when reading from daemon/,
    advice: "`ledgerlift doctor` checks libguestfs on the converter's machine.",
  },
];

export interface V2vEnd {
  readonly command: string;
  readonly status: number;
  /** Its error messages. */
  readonly errors: readonly string[];
  /** Name of the conversion log, for the message. */
  readonly log: string;
}

/** Maps an unsuccessful end of virt-v2v to an error. */
export function failureOf({ command, status, errors, log }: V2vEnd): ConversionFailed | ConverterMissing {
  // sh(1): 127 not found, 126 not executable, 128 + n ended by signal n.
  if (errors.length === 0 && (status === 126 || status === 127)) return new ConverterMissing(command);
  if (errors.length === 0 && status > 128)
    return new ConversionFailed(
      'LL-CONV-017',
      'transient',
      `virt-v2v was ended by signal ${status - 128}; retrying. If it happens repeatedly, check for ` +
        'lack of memory on the machine.',
    );
  const text = errors.join('\n');
  const meaning = MEANINGS.find(({ pattern }) => pattern.test(text));
  const told = errors.length === 0 ? `it ended with status ${status}` : oneLine(text);
  const see = `The conversion log "${log}" has the details.`;
  return meaning === undefined
    ? new ConversionFailed('LL-CONV-020', 'transient', `virt-v2v failed: ${told}. ${see}`)
    : new ConversionFailed(
        meaning.code,
        meaning.failure,
        `virt-v2v cannot convert the guest: ${told}. ${meaning.advice} ${see}`,
      );
}

export const timedOut = (
  { timeoutMs, timeoutVariable }: { readonly timeoutMs: number; readonly timeoutVariable: string },
  log: string,
): ConversionFailed =>
  new ConversionFailed(
    'LL-CONV-021',
    'transient',
    `virt-v2v did not end within ${Math.round(timeoutMs / 1000)} s and was stopped; ${timeoutVariable} sets ` +
      `the limit. The conversion log "${log}" shows its progress.`,
  );

export const neverSettled = (log: string): ConversionFailed =>
  new ConversionFailed(
    'LL-CONV-022',
    'transient',
    `virt-v2v succeeded, but a process that it started did not end, so its last writes are in doubt; the ` +
      `conversion will be repeated. See "${log}".`,
  );

/** Joins lines, and cuts the text to fit a table. */
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().replace(/\.$/, '').slice(0, 600);
