// A converter that does one ImageCommit and dies by SIGKILL right before its nth move.
import { attemptOf, converted } from '@ledgerlift/testing';
import { imageCommit } from '../steps/image-commit.js';
import { vmOf } from './vm.js';

const [root = '', format, dieBefore] = process.argv.slice(2);
const record = vmOf({ root, format: format === 'raw' ? 'raw' : 'qcow2' });
let moves = 0;
const handler = imageCommit(
  {
    command: 'virt-v2v-in-place',
    timeoutMs: 60_000,
    inspector: { command: 'virt-v2v-inspector', timeoutMs: 60_000 },
    guestfish: 'guestfish',
    logLimit: 65_536,
    trace: 'off',
    scratch: root,
    reading: {},
    childEnv: { PATH: process.env['PATH'] ?? '' },
  },
  () => {
    if (moves === Number(dieBefore)) process.kill(process.pid, 'SIGKILL');
    moves += 1;
  },
);
await handler(attemptOf(record, { step: 'ImageCommit', results: [converted] }));
