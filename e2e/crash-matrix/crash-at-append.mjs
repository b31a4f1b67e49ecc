// Preloaded into the planner: kills it right before or right after the first append of each type of event, once a type.
// LEDGERLIFT_CRASH_WHEN: `before` or `after`; LEDGERLIFT_CRASH_MARKS: a file with a line for each kill there was.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { LEDGERLIFT_CRASH_WHEN: when, LEDGERLIFT_CRASH_MARKS: marks } = process.env;
const file = join(import.meta.dirname, '../../libs/event-log/dist/sqlite/sqlite-log.js');
const { SqliteLog } = await import(pathToFileURL(file).href);
const { append } = SqliteLog.prototype;

function crashed() {
  try {
    return new Set(readFileSync(marks, 'utf8').split('\n'));
  } catch {
    return new Set();
  }
}

function crash(type) {
  appendFileSync(marks, `${when} ${type}\n`);
  process.kill(process.pid, 'SIGKILL');
  // The signal may take a moment, in which nothing may go on.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

SqliteLog.prototype.append = async function (stream, events, expected) {
  const known = crashed();
  const next = events.find(({ type }) => !known.has(`${when} ${type}`));
  if (next !== undefined && when === 'before') crash(next.type);
  const result = await append.call(this, stream, events, expected);
  if (next !== undefined) crash(next.type);
  return result;
};
