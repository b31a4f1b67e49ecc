import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openLog } from '@ledgerlift/event-log';
import { temporaryFolder, typescriptArguments } from '@ledgerlift/testing';

const folder = temporaryFolder('audit');
const log = folder.file('events.db');
const event = (n: number) => ({
  id: `00000000-0000-7000-8000-00000000000${n}`,
  ...{ type: 'SomethingHappened', version: 1, time: '2026-11-23T12:00:00.000Z', data: { n } },
  ...{ correlationId: 'c', causationId: 'c' },
  actor: { kind: 'user' as const, name: 'ada', authenticatedBy: 'spec' },
});

beforeAll(async () => {
  const opened = await openLog(log);
  await opened.append('vm-a', [event(0), event(1), event(2)], 'no-stream');
  await opened.append('vm-b', [event(3), event(4)], 'no-stream');
  await opened.close();
});
afterAll(() => folder.remove());

async function ledgerlift(options: readonly string[], input = '') {
  const main = join(import.meta.dirname, '../main.ts');
  const child = spawn(process.execPath, [...typescriptArguments, main, ...options]);
  child.stdin.end(input);
  const [printed, errors, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { printed, errors, status: status as number | null };
}

describe('ledgerlift audit', () => {
  it('verifies a log', async () => {
    expect(await ledgerlift(['audit', 'verify', log])).toEqual({
      printed: '5 events in 2 streams; intact\n',
      errors: '',
      status: 0,
    });
  });

  it('exports a log, checks the export, and imports it into another log', async () => {
    const out = folder.file('log.jsonl');
    const exported = await ledgerlift(['--json', 'audit', 'export', log, '--out', out]);
    expect(JSON.parse(exported.printed)).toMatchObject({ events: 5 });
    const checked = await ledgerlift(['--json', 'audit', 'verify', '--export', out]);
    expect(checked.printed).toBe(exported.printed);
    const into = folder.file('new.db');
    const lines = await readFile(out, 'utf8');
    const imported = await ledgerlift(['--json', 'audit', 'import', into, '--from', '-'], lines);
    expect(imported.printed).toBe(exported.printed);
    expect((await ledgerlift(['audit', 'verify', into])).printed).toBe('5 events in 2 streams; intact\n');
  });

  it('ends with status 1 and the way out where something is wrong', async () => {
    const broken = folder.file('broken.jsonl');
    await writeFile(broken, (await ledgerlift(['audit', 'export', log, '--out', '-'])).printed);
    await appendFile(broken, 'more\n');
    const none = folder.file('none');
    const cases = [
      [['verify', none], /LL-CLI-005 .*none: there is no such file/],
      [['verify'], /name a log or an exported file/],
      [['verify', broken], /LL-LOG-003/],
      [['verify', '--export', broken], /LL-LOG-021 .*line 7/],
      [['export', log, '--out', broken], /LL-CLI-005 .*EEXIST/],
      [['import', log, '--from', none], /there is no such file/],
      [['verify', 'postgres://u:hunter2@127.0.0.1:1/x'], /LL-LOG-008 .*postgres:\/\/127/],
    ] as const;
    const answers = await Promise.all(cases.map(([options]) => ledgerlift(['audit', ...options])));
    for (const [n, { errors, status }] of answers.entries()) {
      expect(errors).toMatch(cases[n]?.[1] ?? '');
      expect(errors).not.toContain('hunter2');
      expect(status).toBe(1);
    }
  });
});
