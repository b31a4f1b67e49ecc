import type { GuestCapabilities, Inspection } from '@ledgerlift/contracts';

/** Findings of virt-v2v about the guest; missing values are undefined. */
export interface Findings {
  readonly inspection: Omit<Inspection, 'bootDisk'> & { readonly bootDisk: number | undefined };
  readonly capabilities: GuestCapabilities;
}

/** Values of one block, by key without its prefix. */
type Block = ReadonlyMap<string, string>;

/**
 * The first line of a block. virt-v2v also copies the appliance's console to standard error, as many bytes as it has
 * read, so this line may follow half a line of the console, such as "guestfsd: => is_figcaps_block_bus = virtio-blk".
 * The rest of the block follows in one piece.
 */
const FIRST_LINE = /^.*(i_|gcaps_)(root|block_bus) = (.*)$/;
const FURTHER_LINE = /^\s*(i_|gcaps_)([a-z0-9_]+) = (.*)$/;

/**
 * Parses the `-v` output of virt-v2v-in-place line by line. There is no other way to learn the guest's drivers, because
 * the tool writes no target metadata (in_place.ml: "just ignore the output").
 *
 * Programs of the guest print into the same output, so only complete blocks in the expected position count: the first
 * inspection, before any guest program runs, and the last capabilities, after them. Virtio also needs confirmation on a
 * channel that no guest can write to.
 */
export class FindingsReader {
  #inspection: Block | undefined;
  #capabilities: Block | undefined;
  #open: { readonly prefix: 'i_' | 'gcaps_'; readonly values: Map<string, string> } | undefined;
  #targetFirmware: string | undefined;
  #bootDisk: number | undefined;
  readonly #infos: string[] = [];

  /** Takes one line of standard error. */
  line(line: string): void {
    const [, prefix, key = '', value = ''] = FIRST_LINE.exec(line) ?? FURTHER_LINE.exec(line) ?? [];
    if (prefix !== 'i_' && prefix !== 'gcaps_') {
      this.#close();
      const firmware = /target firmware: (bios|uefi)$/.exec(line)?.[1];
      if (firmware !== undefined) this.#targetFirmware = firmware;
      const bootDisk = /target boot device: (\d+)$/.exec(line)?.[1];
      if (bootDisk !== undefined) this.#bootDisk = Number(bootDisk);
      return;
    }
    if (this.#open?.prefix !== prefix || key === 'root' || key === 'block_bus') {
      this.#close();
      this.#open = { prefix, values: new Map() };
    }
    this.#open.values.set(key, value.trim());
  }

  /** Takes one info message. */
  info(message: string): void {
    this.#infos.push(message);
  }

  findings(): Findings {
    this.#close();
    return {
      inspection: inspectionOf(
        this.#inspection ?? new Map(),
        this.#targetFirmware,
        this.#infos,
        this.#bootDisk,
      ),
      capabilities: capabilitiesOf(this.#capabilities ?? new Map(), this.#infos),
    };
  }

  #close(): void {
    if (this.#open === undefined) return;
    const { prefix, values } = this.#open;
    this.#open = undefined;
    if (prefix === 'i_' && values.has('root') && values.has('type')) this.#inspection ??= values;
    if (prefix === 'gcaps_' && values.has('block_bus') && values.has('net_bus')) this.#capabilities = values;
  }
}

function inspectionOf(
  block: Block,
  targetFirmware: string | undefined,
  infos: readonly string[],
  bootDisk: number | undefined,
): Findings['inspection'] {
  const known = (key: string): string | undefined => {
    const value = block.get(key);
    return value === undefined || value === '' || value === 'unknown' ? undefined : value;
  };
  const type = known('type');
  const [major, minor] = [block.get('major_version'), block.get('minor_version')];
  const firmware = known('firmware') ?? '';
  // virt-v2v first looks at the source's firmware, and prints a message if that is UEFI.
  const isEfi =
    targetFirmware === undefined
      ? firmware.startsWith('UEFI') || infos.some((info) => info.startsWith('This guest requires UEFI'))
      : targetFirmware === 'uefi';
  const systemPartition = /^UEFI \[(\/dev\/[a-z]+\d*)/.exec(firmware)?.[1];
  return {
    osName: known('osinfo') ?? known('distro') ?? type ?? 'unknown',
    osProduct: known('product_name') ?? 'unknown',
    osVersion: major === undefined || minor === undefined ? 'unknown' : `${major}.${minor}`,
    arch: known('arch') ?? 'unknown',
    family: type === undefined ? 'unknown' : type === 'linux' || type === 'windows' ? type : 'other',
    rootDevice: known('root') ?? 'unknown',
    firmware: isEfi ? 'efi' : 'bios',
    bootDisk: bootDisk ?? (isEfi && systemPartition !== undefined ? diskIndexOf(systemPartition) : undefined),
  };
}

/** Virtio only if both channels confirm it; otherwise devices for which every guest has drivers. */
function capabilitiesOf(block: Block, infos: readonly string[]): GuestCapabilities {
  const confirmed = infos.includes('This guest has virtio drivers installed.');
  const blockBus = block.get('block_bus') ?? '';
  return {
    diskBus: confirmed && ['virtio-blk', 'virtio-scsi'].includes(blockBus) ? 'virtio' : 'sata',
    nicModel: confirmed && block.get('net_bus') === 'virtio-net' ? 'virtio' : 'e1000e',
    rng: confirmed && block.get('virtio_rng') === 'true',
    balloon: confirmed && block.get('virtio_balloon') === 'true',
  };
}

/** `/dev/sdb2` → 1; undefined if the device is not a disk of the appliance, but for example a logical volume. */
export function diskIndexOf(device: string): number | undefined {
  const letters = /^\/dev\/[hsv]d([a-z]+)\d*$/.exec(device)?.[1];
  if (letters === undefined) return undefined;
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 96, 0) - 1;
}
