import { posix } from 'node:path';
import type { Condition, Inspection, VmRecord } from '@ledgerlift/contracts';
import type { Attempt } from '@ledgerlift/worker';
import type { ConverterSettings } from '../config.js';
import type { LuksKeys } from '../luks/index.js';
import type { Workplace } from '../steps/workplace.js';
import { firstBootScript, macArguments, staticNics } from './addresses.js';
import { type CopiedOut, copiedOut, copyOutScript } from './guest-files.js';
import { runGuestfish } from './guestfish.js';
import { linkFiles, type NewFiles } from './link-files.js';
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
 * What virt-v2v is told of the static addresses of a guest that is not Linux: it gives them again at the first boot.
 * Linux guests ignore it (convert_linux.ml), and have their addresses in files of their own.
 */
export const addressArguments = ({ settings, source }: Pick<VmRecord, 'settings' | 'source'>): string[] =>
  settings.preserveStaticIps && source.vm.os.family === 'windows' ? macArguments(staticNics(source.vm)) : [];

/**
 * Writes into the converted guest what keeps its network: names of NICs in Linux, what virt-v2v cannot say in Windows.
 *
 * @returns conditions that say what could not be kept, which is no reason to keep the VM
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
    : [notKept(guest, 'nothing says which of the names in its configuration is whose', unknown)];
}

/** Where virt-v2v put what runs scripts at the first boot of a Windows guest (firstboot.ml). */
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
      // After those of virt-v2v, which install the drivers.
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
          'what runs at its first boot could not be written',
          nics.map(({ mac }) => mac),
        ),
      ];
}

/** What every confined program of a guest with SELinux may read. */
const LABEL = 'system_u:object_r:etc_t:s0';

async function write(guest: Guest, files: NewFiles, hasSelinux: boolean): Promise<boolean> {
  const entries = Object.entries(files).map(([path, text], index) => ({ path, text, local: `new-${index}` }));
  const folders = new Set(entries.map(({ path }) => posix.dirname(path)));
  const label = (path: string): string[] =>
    hasSelinux ? [`-setxattr security.selinux ${LABEL} ${LABEL.length} "${path}"`] : [];
  const script = [
    // Without the folder of virt-v2v, nothing would run the script: the upload says so.
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
    `the network of the guest may come up otherwise than before: ${why}${items.length === 0 ? '' : ` (${items.join(', ')})`}. ` +
    `Look at its network when it has started; the conversion log "${log.name}" has more.`,
  items: [...items],
  durable: true,
});
