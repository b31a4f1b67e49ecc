import { loadExtensions } from '@ledgerlift/extensions';
import { closeSources } from '@ledgerlift/providers';
import { withoutCoreDumps } from '@ledgerlift/processes';
import { runWorker } from '@ledgerlift/worker';
import { readTransferSettings } from './config.js';
import { transferSteps } from './steps/index.js';
import { Tools } from './tools.js';

await withoutCoreDumps();
let tools: Tools | undefined;
const toolsHere = (): Tools => (tools ??= new Tools(readTransferSettings()));
await runWorker({
  service: 'transfer',
  handlers: async ({ config }) => {
    await loadExtensions(config.extensions);
    return transferSteps(readTransferSettings(), toolsHere());
  },
  tools: () => toolsHere().told(),
  close: closeSources,
});
