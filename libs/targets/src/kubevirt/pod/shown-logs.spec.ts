import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { ShownLogs, ShownLogsReader, endOf } from './shown-logs.js';

const NAME = 'default/web/logs/virt-v2v.log';
const KiB = 1024;

let folder: TemporaryFolder;
let path: string;
let printed: string[];
let shown: ShownLogs;
beforeEach(() => {
  folder = temporaryFolder('shown-logs');
  path = folder.file('virt-v2v.log');
  printed = [];
  shown = showing();
});
afterEach(async () => {
  await shown[Symbol.asyncDispose]();
  await folder.remove();
});
function showing(): ShownLogs {
  const logs = new ShownLogs((line) => printed.push(line));
  logs.add(NAME, () => Promise.resolve(path));
  return logs;
}

/** What whoever reads the container's output takes out of it, whatever it is cut into. */
function read(limit = 100 * KiB, output = printed.map((line) => `${line}\n`).join(''), piece = 7) {
  const reader = new ShownLogsReader(limit);
  const bytes = Buffer.from(output);
  for (let at = 0; at < bytes.length; at += piece) reader.push(bytes.subarray(at, at + piece));
  return reader.tails();
}

describe('the logs that a worker in a pod prints', () => {
  it('are read as they were written, while they grow', async () => {
    await shown.show();
    expect(printed).toEqual([]);
    writeFileSync(path, '=== attempt 1\nÜber "all"\n{"log":"other","line":"x"}\n\nbegun');
    await shown.show();
    expect(read().get(NAME)?.text).toBe('=== attempt 1\nÜber "all"\n{"log":"other","line":"x"}\n\n');
    appendFileSync(path, ' and ended\nlast');
    await shown[Symbol.asyncDispose]();
    expect(read()).toEqual(
      new Map([
        [
          NAME,
          {
            text: '=== attempt 1\nÜber "all"\n{"log":"other","line":"x"}\n\nbegun and ended\nlast\n',
            sizeBytes: 75,
          },
        ],
      ]),
    );
  });

  it('are not printed twice by one process, even for another attempt', async () => {
    writeFileSync(path, 'first\n');
    await shown[Symbol.asyncDispose]();
    const before = printed.length;
    appendFileSync(path, 'second\n');
    shown = showing();
    await shown.show();
    expect(printed.slice(before)).toEqual([JSON.stringify({ log: NAME, line: 'second' })]);
    expect(read().get(NAME)).toEqual({ text: 'first\nsecond\n', sizeBytes: 13 });
  });

  it('begin anew where the file does', async () => {
    writeFileSync(path, 'of the first attempt\n');
    await shown.show();
    writeFileSync(path, 'anew\n');
    await shown.show();
    expect(read().get(NAME)).toEqual({ text: 'anew\n', sizeBytes: 5 });
  });

  it('begin near the end of what an earlier pod has left, and count from its beginning', async () => {
    const line = `${'x'.repeat(99)}\n`;
    writeFileSync(path, line.repeat(10_000));
    await shown.show();
    const { text = '', sizeBytes } = read(1024 * KiB).get(NAME) ?? {};
    expect(sizeBytes).toBe(1_000_000);
    expect(text.length).toBe(256 * KiB);
    expect(text.endsWith(line)).toBe(true);
  });

  it('are cut into lines that a container runtime takes, where a console has no ends of lines', async () => {
    writeFileSync(path, 'y'.repeat(20 * KiB));
    await shown[Symbol.asyncDispose]();
    for (const line of printed) expect(line.length).toBeLessThan(16 * KiB);
    expect(read().get(NAME)?.text.replaceAll('\n', '')).toBe('y'.repeat(20 * KiB));
  });

  it('are no reason to fail where they cannot be read', async () => {
    shown.add('default/web/logs/other.log', () => Promise.reject(new Error('a link')));
    writeFileSync(path, 'there\n');
    await shown.show();
    rmSync(path);
    await shown[Symbol.asyncDispose]();
    expect([...read().keys()]).toEqual([NAME]);
  });
});

describe('a reader of a container’s output', () => {
  const line = (text: string): string => `${JSON.stringify({ log: NAME, line: text })}\n`;
  const begin = `${JSON.stringify({ log: NAME, from: 0 })}\n`;

  it('leaves out what the worker itself says, and what is no line of a log', () => {
    const output = [
      '{"level":"info","service":"converter","log":"x","line":"y"}\n',
      '{"log": broken\n',
      '{"log":"x","lines":["y"]}\n',
      'FATAL ERROR: heap out of memory\n',
      begin,
      line('said'),
      // The container was killed in the middle of a line.
      line('unsaid').slice(0, -3),
    ].join('');
    expect(read(KiB, output)).toEqual(new Map([[NAME, { text: 'said\n', sizeBytes: 5 }]]));
  });

  it('has the end of a log that is longer than was asked for, and its size', () => {
    const output = begin + Array.from({ length: 1000 }, (_, index) => line(`line ${index}`)).join('');
    const { text = '', sizeBytes = 0 } = read(100, output, 1000).get(NAME) ?? {};
    expect(text).toHaveLength(100);
    expect(text.endsWith('line 998\nline 999\n')).toBe(true);
    expect(sizeBytes).toBe(8890);
  });

  it('has what is left of a log whose beginning the node no longer has', () => {
    expect(read(KiB, line('later')).get(NAME)).toEqual({ text: 'later\n', sizeBytes: 6 });
  });
});

describe('the end of a text', () => {
  it('is cut between characters', () => {
    expect(endOf('aüb', 4)).toBe('aüb');
    expect(endOf('aüb', 3)).toBe('üb');
    expect(endOf('aüb', 2)).toBe('b');
    expect(endOf('aüb', 0)).toBe('');
  });
});
