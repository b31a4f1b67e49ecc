import { applianceEnvironment, buildOva, guestImage } from '@ledgerlift/testing';
import { Installation } from './installation.js';

/** An installation that converts with the real virt-v2v, and may take its time to boot: on most machines here nothing is accelerated. */
export const startWithRealTools = (): Promise<Installation> =>
  Installation.start({
    env: {
      ...applianceEnvironment(),
      LEDGERLIFT_V2V_COMMAND: 'virt-v2v-in-place',
      LEDGERLIFT_GUESTFISH_COMMAND: 'guestfish',
      LEDGERLIFT_BOOT_TIMEOUT_S: '240',
    },
  });

/** The same, with a plan's surroundings and one VM, `guest`: a real Debian with VMware's devices, in an OVA. */
export async function startWithGuestOva(): Promise<Installation> {
  const at = await startWithRealTools();
  const disks = [{ raw: await guestImage() }];
  const nics = [{ network: 'VM Network', model: 'VmxNet3' as const }];
  const vms = [{ name: 'guest', disks, nics, controller: 'VirtualSCSI' as const, os: 'debian12_64Guest' }];
  await buildOva({ name: 'guest', folder: at.folder.file('ovas'), vms });
  await at.prepare();
  return at;
}
