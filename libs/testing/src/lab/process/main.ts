import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { labServer } from './http.js';
import { Lab } from './lab.js';

// The lab's process: `LAB_TOKEN=… node main.js --folder DIR --port N`. It says where it listens when it is ready.
const { values } = parseArgs({ options: { folder: { type: 'string' }, port: { type: 'string' } } });
if (values.folder === undefined || values.port === undefined) throw new TypeError('--folder and --port');

const lab = await Lab.open(values.folder, join(values.folder, 'journal.jsonl'));
const server = labServer(lab, process.env['LAB_TOKEN']);
server.listen(Number(values.port), '127.0.0.1');
await once(server, 'listening');
console.log(`the lab listens on http://127.0.0.1:${values.port}`);

const end = async (): Promise<void> => {
  server.close();
  server.closeAllConnections();
  await lab.close();
  process.exit(0);
};
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end());
