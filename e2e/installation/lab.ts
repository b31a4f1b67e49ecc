import { LabHypervisor } from '@ledgerlift/testing';
import { Installation } from './installation.js';
import { testingExtensions } from './root.js';

/** An installation whose source is a lab of its own. */
export interface LabInstallation {
  readonly at: Installation;
  readonly lab: LabHypervisor;
  end(): Promise<void>;
}

/** @param env laid over the environment of every service */
export async function startWithLab(env: Readonly<Record<string, string>> = {}): Promise<LabInstallation> {
  const lab = await LabHypervisor.start();
  const at = await Installation.start({ env: { ...testingExtensions, ...env } });
  await at.prepare({
    source: { name: 'lab', type: 'x-lab', settings: { url: lab.url } },
    storage: 'datastore1',
  });
  return {
    at,
    lab,
    end: async () => {
      await at[Symbol.asyncDispose]();
      await lab.stop();
    },
  };
}
