import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProviderSpec, type SourceVm } from '@ledgerlift/contracts';
import {
  type Vsphere,
  type VsphereOptions,
  sourceDisk,
  sourceVm,
  startVsphere,
  temporaryFolder,
} from '@ledgerlift/testing';
import type { Patience } from '../../port.js';
import { closeSessions, type VsphereSpec } from '../session.js';

/** A simulated vSphere, with the secret of its administrator at this site. */
export interface World {
  readonly vsphere: Vsphere;
  /** Of the administrator, by the CA. */
  readonly provider: VsphereSpec;
  /** The provider with other settings, or with the secret of another user. */
  providerWith(settings: object, user?: { readonly user: string; readonly password: string }): VsphereSpec;
  end(): Promise<void>;
}

export async function vsphereWorld(options: VsphereOptions = {}): Promise<World> {
  const folder = temporaryFolder('vsphere-provider');
  const vsphere = await startVsphere(options);
  process.env['LEDGERLIFT_SECRETS_DIR'] = folder.path;
  let secrets = 0;
  const secretOf = ({ user, password }: { readonly user: string; readonly password: string }): string => {
    const name = `secret-${(secrets += 1)}`;
    mkdirSync(folder.file(name));
    writeFileSync(join(folder.file(name), 'user'), `${user}\n`);
    writeFileSync(join(folder.file(name), 'password'), password);
    return name;
  };
  const providerWith: World['providerWith'] = (settings, user = vsphere.admin) => {
    const spec = ProviderSpec.parse({
      type: 'vsphere',
      name: 'vcenter',
      secret: { name: secretOf(user) },
      settings: { url: vsphere.url, ...settings },
    });
    if (spec.type !== 'vsphere') throw new TypeError(spec.type);
    return spec;
  };
  return {
    vsphere,
    providerWith,
    provider: providerWith({ caCertificate: readFileSync(vsphere.caFile, 'utf8') }),
    end: async () => {
      await closeSessions();
      await vsphere.stop();
      await folder.remove();
    },
  };
}

export const patience = (timeLimitMs = 240_000): Patience => ({
  signal: new AbortController().signal,
  timeLimitMs,
});

/** A VM as an inventory would have it, for what needs no more of it than its id and its disks. */
export async function bareVm({ vsphere }: World, name: string): Promise<SourceVm> {
  const { moref, disks } = await vsphere.vm(name);
  return sourceVm({
    id: moref,
    name,
    path: name,
    powerState: 'unknown',
    disks: disks.map((disk, index) =>
      sourceDisk(index, {
        id: String(disk.key),
        capacityBytes: disk.capacityBytes,
        storage: 'LocalDS_0',
        backing: {
          kind: 'vsphere',
          vmId: moref,
          key: disk.key,
          uuid: '',
          file: disk.file,
          datastore: '',
          format: 'flat',
          mode: 'persistent',
          hasParent: false,
        },
      }),
    ),
    nics: [],
    exportedBy: 'vsphere',
  });
}
