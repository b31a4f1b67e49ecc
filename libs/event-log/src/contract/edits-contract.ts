import { beforeEach, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { auditVerify } from '../audit.js';
import { linkHashOfBytes } from '../stored-content.js';
import type { StoredRecord } from '../port.js';
import { jsonEdits } from './json-edits.js';
import { type Edit, type LogUnderTest, all } from './log-under-test.js';
import { newEvent } from './new-events.js';

const data = {
  number: 1,
  rounds: [0, { bytes: 1e21, ratio: 0.5 }, []],
  path: 'a/b',
  umlaut: 'ö€😀',
  quote: '"\\\n',
  done: true,
  nothing: null,
  empty: {},
};
const LAST = 3;

/**
 * Every edit of a stored byte or column must lead to a finding, and none may make the audit or a reader fail
 * unexpectedly.
 */
export function editsContract(under: () => LogUnderTest): void {
  let records: readonly StoredRecord[] = [];
  beforeEach(async () => {
    const { log } = under();
    for (let revision = 0; revision <= LAST; revision += 1)
      for (const stream of ['a', 'other'])
        await log.append(stream, [newEvent({ data })], revision === 0 ? 'no-stream' : revision - 1);
    records = await Array.fromAsync(log.readStored());
  });

  it('reads records as stored, in the order of the log', async () => {
    const events = await all(under().log.readAll());
    expect(records).toHaveLength(events.length);
    for (const [n, { content, impossible, ...columns }] of records.entries()) {
      const { stream, revision, id, hash, position, ...rest } = events[n] ?? Object.fromEntries([]);
      expect(impossible).toEqual([]);
      expect(columns).toEqual({ stream, revision: String(revision), id, hash, position });
      expect(JSON.parse(Buffer.from(content).toString())).toEqual({ stream, revision, id, ...rest });
    }
  });

  /** Checks what must hold for every edit. @returns the violation, or undefined */
  const fault = async (revision: number, edits: readonly Edit[]): Promise<string | undefined> => {
    const { log } = under();
    return under().edited?.({ stream: 'a', revision }, edits, async () => {
      const audit = await auditVerify(log).catch(String);
      if (typeof audit === 'string') return `the audit failed: ${audit}`;
      if (audit.findings.length === 0) return 'not found';
      const reading = await all(log.readAll()).catch((error: unknown) => error);
      const isKnown = Array.isArray(reading) || (reading as { readonly code?: string }).code === 'LL-LOG-009';
      return isKnown ? undefined : `a reader failed: ${String(reading)}`;
    });
  };
  const faults = async (
    cases: Iterable<readonly [how: string, revision: number, edits: readonly Edit[]]>,
  ): Promise<readonly string[]> => {
    const found: string[] = [];
    for (const [how, revision, edits] of cases) {
      const what = await fault(revision, edits);
      if (what !== undefined) found.push(`${how}: ${what}`);
    }
    return found;
  };
  const recordAt = (revision: number): StoredRecord | undefined =>
    records.find((each) => each.stream === 'a' && each.revision === String(revision));
  const contentAt = (revision: number): string => Buffer.from(recordAt(revision)?.content ?? []).toString();
  const contentEdit = (text: string): Edit => ({ column: 'content', value: Buffer.from(text) });

  it('finds an edit of any token, member or object of the content', async () => {
    const edits = [...jsonEdits(contentAt(1))];
    expect(edits.length).toBeGreaterThan(500);
    expect(await faults(edits.map(({ how, text }) => [how, 1, [contentEdit(text)]]))).toEqual([]);
    expect((await auditVerify(under().log)).findings).toEqual([]);
  });

  it('finds a different spelling of the last event even with a matching hash', async () => {
    const hashBefore = recordAt(LAST - 1)?.hash ?? '';
    const edits = [...jsonEdits(contentAt(LAST))].filter(({ changes }) => changes === 'spelling');
    const cases = edits.map(({ how, text }) => {
      const hash = Buffer.from(linkHashOfBytes(hashBefore, Buffer.from(text)));
      return [how, LAST, [contentEdit(text), { column: 'hash', value: hash }]] as const;
    });
    expect(await faults(cases)).toEqual([]);
  });

  it('finds an edit of any column, of the first, a middle and the last event', async () => {
    const cases = [0, 1, LAST].flatMap((revision) =>
      columnEdits(revision).map(
        (edit) => [`${edit.column} ${String(edit.value)}`, revision, [edit]] as const,
      ),
    );
    expect(await faults(cases)).toEqual([]);
  });

  it('finds any flipped bits in any text', async () => {
    const flip = fc.record({
      revision: fc.integer({ min: 0, max: LAST }),
      column: fc.constantFrom('content', 'stream', 'id', 'hash'),
      at: fc.nat(),
      bits: fc.integer({ min: 1, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(flip, async ({ revision, column, at, bits }) => {
        const value = Buffer.from(recordAt(revision)?.[column] ?? '');
        const index = at % value.length;
        value.writeUInt8(value.readUInt8(index) ^ bits, index);
        expect(await fault(revision, [{ column, value }])).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
}

function columnEdits(revision: number): readonly Edit[] {
  const texts = ['', 'c', 'A', 'a ', 'a\0', 'á', '\u{1F600}', '0'.repeat(64), 'x'.repeat(300)];
  const edits = (['stream', 'id', 'hash'] as const).flatMap((column): Edit[] => [
    ...texts.map((text) => ({ column, value: Buffer.from(text) })),
    { column, value: Buffer.from([0xff, 0x61]) },
    { column, value: Buffer.from([0xed, 0xa0, 0x80]) },
  ]);
  const safe = BigInt(Number.MAX_SAFE_INTEGER);
  const numbers = [-1n, 99n, safe, safe + 1n, safe + 2n, 2n ** 63n - 1n, -(2n ** 63n)];
  return [
    ...edits,
    ...numbers.map((value): Edit => ({ column: 'revision', value })),
    ...[0n, ...numbers].map((value): Edit => ({ column: 'position', value })),
  ].filter(({ value }) => value !== BigInt(revision));
}
