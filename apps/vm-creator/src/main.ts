import { loadExtensions } from '@ledgerlift/extensions';
import { closeSources } from '@ledgerlift/providers';
import { withoutCoreDumps } from '@ledgerlift/processes';
import { runWorker } from '@ledgerlift/worker';
import { readBootSettings } from './boot-proof/settings.js';
import { podOfTarget } from './pods.js';
import { handlersOf } from './steps/index.js';

await withoutCoreDumps();
await runWorker({
  service: 'vm-creator',
  handlers: async ({ config }) => {
    await loadExtensions(config.extensions);
    return handlersOf({ boot: readBootSettings() });
  },
  pods: podOfTarget,
  close: closeSources,
});
