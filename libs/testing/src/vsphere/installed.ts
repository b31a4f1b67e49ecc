import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../cache-folder.js';
import { PeerMissing } from '../errors.js';
import { folderHash } from '../folder-hash.js';

const sources = join(import.meta.dirname, '..', '..', 'vsphere');
// As in scripts/install-vsphere.sh.
const PLUGIN = 'nbdkit-vddk-1.42.3-1';

/** Where nbdkit's real vddk plugin is, and the library that stands in for VMware's. */
export interface VddkPlugin {
  /** To be given to nbdkit in place of the plugin's name. */
  readonly plugin: string;
  /** For the plugin's `libdir=`. */
  readonly libdir: string;
}

/** Path of the simulator that was built from these sources. @throws PeerMissing */
export function vsphereBinary(): string {
  return found(
    'the vSphere simulator',
    cacheFolder('vsphere', `vsim-${folderHash(join(sources, 'vsim'))}`, 'vsim'),
  );
}

/** @throws PeerMissing */
export function vddkPlugin(): VddkPlugin {
  const libdir = cacheFolder('vsphere', `vddk-${folderHash(join(sources, 'vddk'))}`);
  found('the stand-in for VDDK', join(libdir, 'lib64', 'libvixDiskLib.so.8'));
  const plugin = cacheFolder('vsphere', PLUGIN, 'nbdkit-vddk-plugin.so');
  return { plugin: found("nbdkit's vddk plugin", plugin), libdir };
}

function found(what: string, path: string): string {
  if (!existsSync(path)) throw new PeerMissing(what, path);
  return path;
}
