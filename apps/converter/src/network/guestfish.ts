import type { Overlay } from '@ledgerlift/targets';
import type { ConverterSettings } from '../config.js';
import { ConverterMissing, GuestFilesFailed } from '../errors.js';
import { type HeldRun, runHeld } from '../holder/index.js';
import type { LuksKeys } from '../luks/index.js';
import { BoundedLog } from '../virt-v2v/index.js';

export interface GuestfishRun extends Pick<
  HeldRun,
  'record' | 'scratch' | 'owner' | 'signal' | 'files' | 'taken'
> {
  readonly settings: ConverterSettings;
  readonly overlays: readonly Overlay[];
  readonly keys: LuksKeys;
  readonly mode: '--ro' | '--rw';
  /** Commands, one per line (guestfish(1)). */
  readonly script: string;
  readonly log: { readonly path: string; readonly name: string };
}

const SCRIPT = 'guestfish.script';

/**
 * Runs a guestfish script on the guest's file systems, mounted as in the guest. When this returns or throws, all its
 * processes have ended.
 *
 * @returns whether the script succeeded
 * @throws GuestFilesFailed if it was ended; ConverterMissing, LeftoverAlive, the signal's reason
 */
export async function runGuestfish(run: GuestfishRun): Promise<boolean> {
  const { settings, log: file } = run;
  const log = await BoundedLog.open(
    file.path,
    settings.logLimit,
    `${new Date().toISOString()} guestfish ${run.mode}`,
  );
  // Limits the size of copied files, so that a guest's file cannot fill our disk (prlimit(1)).
  const command: [string, ...string[]] =
    run.mode === '--ro' ? ['prlimit', '--fsize=268435456', settings.guestfish] : [settings.guestfish];
  try {
    const end = await runHeld({
      ...run,
      argv: [
        ...command,
        run.mode,
        ...run.overlays.flatMap(({ path }) => ['--format=qcow2', '-a', path]),
        ...run.keys.arguments,
        '-i',
        '-f',
        SCRIPT,
      ],
      env: { ...settings.childEnv, TMPDIR: run.scratch },
      files: { ...run.files, ...run.keys.files, [SCRIPT]: run.script },
      timeoutMs: settings.timeoutMs,
      settleMs: 60_000,
      onStdout: (chunk) => log.write(chunk),
      onStderr: (chunk) => log.write(chunk),
      onMessages: () => undefined,
    });
    if (end.ended === 'exit' && (end.status === 126 || end.status === 127))
      throw new ConverterMissing(settings.guestfish);
    if (end.ended !== 'exit' || end.status > 125)
      throw new GuestFilesFailed(
        end.ended === 'exit'
          ? `${settings.guestfish} ended with status ${end.status}`
          : 'it did not end in time',
        file.name,
      );
    return end.status === 0;
  } finally {
    await log.close();
  }
}
