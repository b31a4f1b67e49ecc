import { closeSources } from '@ledgerlift/providers';
import { runWorker } from '@ledgerlift/service';
import { readTransferSettings } from './config.js';
import { transferSteps } from './steps/index.js';

await runWorker({
  service: 'transfer',
  handlers: () => transferSteps(readTransferSettings()),
  close: closeSources,
});
