import { loadExtensions } from '@ledgerlift/extensions';
import { closeSources } from '@ledgerlift/providers';
import { withoutCoreDumps } from '@ledgerlift/processes';
import { runWorker } from '@ledgerlift/worker';
import { readConverterSettings } from './config.js';
import { converterSteps } from './steps/index.js';
import { toolCheck } from './tools/index.js';

await withoutCoreDumps();
await runWorker({
  service: 'converter',
  handlers: async ({ config }) => {
    await loadExtensions(config.extensions);
    return converterSteps(readConverterSettings());
  },
  close: closeSources,
  tools: toolCheck(() => readConverterSettings()),
});
