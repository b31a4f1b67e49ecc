import { posix } from 'node:path';
import type { Condition, Inspection, VmRecord } from '@ledgerlift/contracts';
import type { Attempt } from '@ledgerlift/worker';
import type { ConverterSettings } from '../config.js';
import type { LuksKeys } from '../luks/index.js';
import type { Workplace } from '../steps/workplace.js';
import { firstBootScript, macArguments, staticNics } from './addresses.js';
import { type CopiedOut, copiedOut, copyOutScript, linkFiles, type NewFiles } from './guest-files.js';
import { runGuestfish } from './guestfish.js';
import { knownNics, namesOfNics } from './names.js';

export interface Guest {
  readonly attempt: Attempt;
  readonly place: Workplace;
  readonly settings: ConverterSettings;
  readonly keys: LuksKeys;
  readonly log: { readonly path: string; readonly name: string };
  readonly family: Inspection['family'];
}

/**
 * virt-v2v's arguments for the static addresses of a Windows guest, which are restored at its first boot. For Linux
 * virt-v2v ignores them (convert_linux.ml), and the guest has its addresses in its own files.
 */
export const addressArguments = ({ settings, source }: Pick<VmRecord, 'settings' | 'source'>): string[] =>
  settings.preserveStaticIps && source.vm.os.family === 'windows' ? macArguments(staticNics(source.vm)) : [];

/**
 * Writes files into the converted guest that keep its network: names of NICs for Linux, settings that virt-v2v does not
 * support for Windows.
 *
 * @returns conditions about settings that could not be kept, which do not stop the migration
 * @throws GuestFilesFailed, ConverterMissing, LeftoverAlive, the signal's reason
 */
export async function keepNetwork(guest: Guest): Promise<readonly Condition[]> {
  if (!guest.attempt.job.record.settings.preserveStaticIps) return [];
  if (guest.family === 'linux') return keepNames(guest);
  return guest.family === 'windows' ? addFirstBoot(guest) : [];
}

async function keepNames(guest: Guest): Promise<readonly Condition[]> {
  const nics = knownNics(guest.attempt.job.record.source.vm);
  if (nics.length === 0) return [];
  let copied: CopiedOut | undefined;
  const taken = async (): Promise<void> => {
    copied = await copiedOut(guest.place.scratch);
  };
  await work(guest, { mode: '--ro', script: copyOutScript, taken });
  if (copied === undefined) return [notKept(guest, 'its files could not be read', [])];
  const { named, unknown } = namesOfNics(nics, copied.files);
  const files = linkFiles(named);
  const isWritten = Object.keys(files).length === 0 || (await write(guest, files, copied.hasSelinux));
  if (!isWritten)
    return [
      notKept(
        guest,
        'its files could not be written',
        named.map(({ mac }) => mac),
      ),
    ];
  return unknown.length === 0
    ? []
    : [notKept(guest, 'the names in its configuration could not be matched to NICs', unknown)];
}

/** The folder for scripts that virt-v2v runs at a Windows guest's first boot (firstboot.ml). */
const FIRST_BOOT = '/Program Files/Guestfs/Firstboot/scripts';

async function addFirstBoot(guest: Guest): Promise<readonly Condition[]> {
  const nics = staticNics(guest.attempt.job.record.source.vm);
  const script = firstBootScript(nics);
  if (script === undefined) return [];
  const lines = (text: string): string => text.replaceAll('\n', '\r\n');
  const isWritten = await write(
    guest,
    {
      '/Program Files/Guestfs/Firstboot/ledgerlift-network.ps1': lines(script),
      // Sorts after virt-v2v's scripts, which install the drivers.
      [`${FIRST_BOOT}/9000-ledgerlift-network.bat`]: lines(
        '@echo off\npowershell.exe -NoProfile -ExecutionPolicy Bypass -File ' +
          '"%SystemDrive%\\Program Files\\Guestfs\\Firstboot\\ledgerlift-network.ps1"\n',
      ),
    },
    false,
  );
  return isWritten
    ? []
    : [
        notKept(
          guest,
          'the script for its first boot could not be written',
          nics.map(({ mac }) => mac),
        ),
      ];
}

/** A label that every confined program of a guest with SELinux may read. */
const LABEL = 'system_u:object_r:etc_t:s0';

async function write(guest: Guest, files: NewFiles, hasSelinux: boolean): Promise<boolean> {
  const entries = Object.entries(files).map(([path, text], index) => ({ path, text, local: `new-${index}` }));
  const folders = new Set(entries.map(({ path }) => posix.dirname(path)));
  const label = (path: string): string[] =>
    hasSelinux ? [`-setxattr security.selinux ${LABEL} ${LABEL.length} "${path}"`] : [];
  const script = [
    // Do not create the folder for Windows: without virt-v2v's own folder nothing would run the script, so the upload
    // must fail.
    ...(guest.family === 'windows' ? [] : [...folders].map((folder) => `mkdir-p "${folder}"`)),
    ...entries.flatMap(({ path, local }) => [
      `upload ${local} "${path}"`,
      ...(guest.family === 'windows' ? [] : [`chown 0 0 "${path}"`, `chmod 0644 "${path}"`]),
      ...label(path),
    ]),
  ];
  return work(guest, {
    mode: '--rw',
    script: script.map((line) => `${line}\n`).join(''),
    files: Object.fromEntries(entries.map(({ local, text }) => [local, text])),
  });
}

const work = (
  { attempt, place, settings, keys, log }: Guest,
  what: Pick<Parameters<typeof runGuestfish>[0], 'mode' | 'script' | 'files' | 'taken'>,
): Promise<boolean> =>
  runGuestfish({
    settings,
    overlays: place.overlays,
    keys,
    record: place.holder.path,
    scratch: place.scratch,
    owner: place.holder.owner,
    signal: attempt.signal,
    log,
    ...what,
  });

const notKept = ({ log }: Guest, why: string, items: readonly string[]): Condition => ({
  type: 'NetworkNotKept',
  category: 'Warn',
  reason: 'GuestNotUnderstood',
  message:
    `the guest's network may differ from before: ${why}${items.length === 0 ? '' : ` (${items.join(', ')})`}. ` +
    `Check its network after it has started; see the conversion log "${log.name}".`,
  items: [...items],
  durable: true,
});
