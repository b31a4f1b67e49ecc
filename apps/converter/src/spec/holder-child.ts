// A converter that runs a command over somebody's disks until it is killed.
import { runHeld } from '../holder/index.js';

const [record = '', scratch = '', ...argv] = process.argv.slice(2);
const [command = 'true', ...args] = argv;
await runHeld({
  argv: [command, ...args],
  env: { PATH: process.env['PATH'] ?? '' },
  record,
  scratch,
  owner: { worker: 'converter/spec/1', installation: 'spec', stream: 'vm-m1-0' },
  timeoutMs: 60_000,
  settleMs: 1000,
  signal: new AbortController().signal,
  onStdout: (chunk) => process.stdout.write(chunk),
  onStderr: (chunk) => process.stdout.write(chunk),
});
