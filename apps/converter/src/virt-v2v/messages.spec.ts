import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Lines, parseMessage, percentAfter } from './messages.js';

const debian = readFileSync(join(import.meta.dirname, 'recorded', 'debian12.messages.jsonl'));

describe('lines', () => {
  it.each([1, 2, 7, 64, 1 << 20])('do not depend on the chunk size (%s bytes at a time)', (size) => {
    const seen: string[] = [];
    const lines = new Lines((line) => seen.push(line));
    const bytes = Buffer.from('erste Zeile\nzweite ‘Zeile’ äöü\n\nletzte');
    for (let at = 0; at < bytes.length; at += size) lines.push(bytes.subarray(at, at + size));
    lines.end();
    expect(seen).toEqual(['erste Zeile', 'zweite ‘Zeile’ äöü', '', 'letzte']);
  });

  it('without an end do not fill memory', () => {
    const seen: string[] = [];
    const lines = new Lines((line) => seen.push(line));
    for (let part = 0; part < 64; part += 1) lines.push(Buffer.alloc(1 << 17, 'x'));
    lines.end();
    expect(seen[0]?.length).toBeLessThanOrEqual(1 << 20);
  });
});

describe('a message', () => {
  it('is read as virt-v2v 2.2.0 writes it', () => {
    const types = debian
      .toString()
      .trim()
      .split('\n')
      .map((line) => parseMessage(line)?.type);
    expect(types).toHaveLength(13);
    expect(new Set(types)).toEqual(new Set(['message', 'warning', 'info']));
  });

  it.each(['', '{', 'null', '[]', '{"type":"progress"}', '{"type":"message","message":1}'])(
    'is ignored if it is %s',
    (line) => expect(parseMessage(line)).toBeUndefined(),
  );
});

describe('progress', () => {
  it('only grows, and stops just below 100', () => {
    let percent = 0;
    const seen: number[] = [];
    for (const line of debian.toString().trim().split('\n')) {
      const message = parseMessage(line);
      if (message === undefined) throw new Error(line);
      percent = percentAfter(message, percent);
      seen.push(percent);
    }
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(99);
  });

  it('does not decrease for a late message', () => {
    expect(percentAfter({ type: 'message', message: 'Opening the source' }, 50)).toBe(50);
  });

  it('ignores warnings', () => {
    expect(percentAfter({ type: 'warning', message: 'Finishing off' }, 5)).toBe(5);
  });
});
