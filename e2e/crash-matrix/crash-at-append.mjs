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

function crash(types) {
  appendFileSync(marks, types.map((type) => `${when} ${type}\n`).join(''));
  process.kill(process.pid, 'SIGKILL');
  // The signal may take a moment, in which nothing may go on.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

SqliteLog.prototype.append = async function (stream, events, expected) {
  const known = crashed();
  const fresh = events.map(({ type }) => type).filter((type) => !known.has(`${when} ${type}`));
  if (fresh.length > 0 && when === 'before') crash(fresh.slice(0, 1));
  const result = await append.call(this, stream, events, expected);
  // What was appended together is in the log together.
  if (fresh.length > 0) crash(fresh);
  return result;
};
