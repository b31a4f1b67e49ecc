import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  LedgerliftError,
  type Inventory,
  type ProviderSpec,
  type SourceVm,
  settingsOf,
} from '@ledgerlift/contracts';
import type { ExtensionProvider } from '@ledgerlift/providers';
import { z } from 'zod';

/** The smallest source there can be: each `NAME.raw` of a folder is a VM with one disk, which is off for ever. */
export const toyProvider: ExtensionProvider = {
  type: 'x-toy',
  settings: z.strictObject({ path: z.string().startsWith('/', 'must be an absolute path') }),
  migrationTypes: ['cold'],
  conversion: 'needed',

  // Files have no address.
  hosts: () => [],

  async check(spec) {
    try {
      await rawFiles(spec);
      return [];
    } catch (error) {
      if (!(error instanceof LedgerliftError)) throw error;
      return [{ item: spec.name, field: 'settings.path', ...error.details() }];
    }
  },

  async inventory(spec): Promise<Inventory> {
    const names = await rawFiles(spec);
    return {
      takenAt: new Date().toISOString(),
      vms: await Promise.all(names.map((name) => vmOf(spec, name))),
      networks: [{ id: NETWORK, name: NETWORK, description: '' }],
      storages: [{ id: STORAGE, name: STORAGE }],
      problems: [],
    };
  },

  // Nothing says what the bytes should be.
  verifyDigests: async () => [],

  async currentVm(spec, vmId) {
    return (await rawFiles(spec)).includes(vmId) ? vmOf(spec, vmId) : undefined;
  },

  powerState: async () => 'off',
  powerOff: async (_spec, { fingerprint }) => ({ momentId: fingerprint, how: 'was-off' }),
  powerOn: async () => 'off',
  currentMoment: async (spec, { id }) => (await toyProvider.currentVm(spec, id))?.fingerprint,

  diskAccess(_spec, _vm, { backing }) {
    const { file } = z.object({ file: z.string() }).parse(backing.kind === 'extension' ? backing.data : {});
    return { kind: 'image', driver: 'raw', file, compressed: false };
  },
};

/** Error codes of an extension begin with the letters of its own area. */
export class ToyFolderUnreadable extends LedgerliftError {
  readonly code = 'LL-TOY-001';
  constructor(path: string, cause: unknown) {
    super(`${path} cannot be read (${String(cause)}); name a folder of raw files that this user may read`, {
      cause,
    });
  }
}

const NETWORK = 'toy-net';
const STORAGE = 'toy-box';
const SUFFIX = '.raw';

const folderOf = (spec: ProviderSpec): string =>
  (settingsOf(spec, toyProvider.type, toyProvider.settings) as { readonly path: string }).path;

/** Names of VMs, which are their ids. @throws ToyFolderUnreadable */
async function rawFiles(spec: ProviderSpec): Promise<readonly string[]> {
  const path = folderOf(spec);
  const names = await readdir(path).catch((error: unknown) => {
    throw new ToyFolderUnreadable(path, error);
  });
  return names
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .sort();
}

async function vmOf(spec: ProviderSpec, name: string): Promise<SourceVm> {
  const file = join(folderOf(spec), `${name}${SUFFIX}`);
  const { size, mtimeMs, ino } = await stat(file);
  return {
    id: name,
    name,
    path: file,
    powerState: 'off',
    cpu: { count: 1, coresPerSocket: 1, affinity: [], hotAdd: false },
    memory: { bytes: 2 ** 29, hotAdd: false },
    firmware: 'bios',
    secureBoot: false,
    tpm: false,
    os: { id: 'other', description: 'a toy', family: 'linux' },
    disks: [
      {
        id: 'disk',
        name: `${name}${SUFFIX}`,
        capacityBytes: size,
        storage: STORAGE,
        bus: 'virtio',
        controller: 0,
        unit: 0,
        shared: false,
        backing: { kind: 'extension', data: { file } },
      },
    ],
    nics: [{ id: 'nic', name: 'nic', network: NETWORK, model: 'virtio', kind: 'ethernet' }],
    exportedBy: 'toy',
    fingerprint: [ino, size, mtimeMs].join('-'),
    concerns: [],
  };
}
