// The worker services that are named as arguments, as they are (pull, claim, lease, numbered reports), with handlers that are done at
// once. All in one process: what is measured is the rest, and each more process would take memory and time from it.
import { startWorker } from '@ledgerlift/worker';
import { handlers } from './instant.mjs';

for (const service of process.argv.slice(2))
  await startWorker({ service, handlers, env: { ...process.env, LEDGERLIFT_HTTP_PORT: '0' } });
process.send?.('working');
