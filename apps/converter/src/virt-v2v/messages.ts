import { z } from 'zod';

/** One line of `--machine-readable` (virt-v2v(1), "MACHINE READABLE OUTPUT"). */
export const V2vMessage = z.object({
  type: z.enum(['message', 'info', 'warning', 'error']),
  message: z.string(),
});
export type V2vMessage = z.infer<typeof V2vMessage>;

/** A longer line is not a message of virt-v2v. */
const LONGEST = 1 << 20;

/** Splits a stream into lines. */
export class Lines {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-LONGEST);
    for (const line of lines) this.#onLine(line);
  }

  end(): void {
    if (this.#rest !== '') this.#onLine(this.#rest);
    this.#rest = '';
  }
}

/** Parses one line. @returns undefined if it is not a message of virt-v2v (newer versions may print other lines) */
export function parseMessage(line: string): V2vMessage | undefined {
  try {
    return V2vMessage.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/**
 * Progress of a conversion at the start of each task, in percent of the usual time. virt-v2v itself reports none; newer
 * versions have more of these messages than 2.2.
 */
const MILESTONES: readonly (readonly [prefix: string, percent: number])[] = [
  ['Setting up the source', 1],
  ['Opening the source', 3],
  ['Checking filesystem integrity before', 15],
  ['Detecting if this guest uses BIOS', 18],
  ['Inspecting the source', 20],
  ['Detecting the boot device', 29],
  ['Checking for sufficient free disk space', 30],
  ['Converting ', 32],
  ['Mapping filesystem data', 90],
  ['Skipping fstrim', 90],
  ['Checking filesystem integrity after', 94],
  ['Closing the overlay', 96],
  ['Assigning disks', 97],
  ['Checking if the guest needs', 98],
  ['Finishing off', 99],
];

/** Progress after a message. Never decreases. */
export function percentAfter(message: V2vMessage, before: number): number {
  if (message.type !== 'message') return before;
  const milestone = MILESTONES.find(([prefix]) => message.message.startsWith(prefix));
  return Math.max(before, milestone?.[1] ?? before);
}
