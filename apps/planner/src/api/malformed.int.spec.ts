/**
 * Express loads CommonJS packages, which must not be given their ES modules.
 *
 * @jest-environment-options {"customExportConditions": ["@ledgerlift/source", "node"]}
 */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApiErrorBody } from '@ledgerlift/contracts';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import { inventoryOf, sourceSpec, webVm } from '@ledgerlift/planning/spec';
import { malformed, randomFrom } from './spec/malformed.js';
import { PlannerUnderTest } from './spec/planner-under-test.js';

let temporary: Awaited<ReturnType<typeof openTemporaryLog>>;
let planner: PlannerUnderTest;

beforeAll(async () => {
  temporary = await openTemporaryLog();
  planner = await PlannerUnderTest.start(temporary.log, inventoryOf(webVm));
});
afterAll(async () => {
  await planner.stop();
  await temporary.destroy();
});

async function stillWorks(): Promise<void> {
  expect((await planner.call('GET', '/providers')).status).toBe(200);
  expect(planner.faults).toEqual([]);
  expect(await temporary.log.head()).toBeUndefined();
}

/** Sends bytes and reads until the server closes, or says no more. */
function rawAnswer(bytes: string | Uint8Array): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(Number(new URL(planner.url).port), '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.on('close', () => resolve(text));
  socket.on('error', () => resolve(text));
  socket.end(bytes);
  return promise;
}

describe('500 malformed requests', () => {
  it('crash nothing, leave nothing, and each gets a coded error that names its field', async () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const { why, method, path, headers, body, field } = malformed(seed);
      const response = await fetch(`${planner.url}/api/v1${path}`, {
        method,
        headers: sendable(headers),
        ...(body === undefined || method === 'GET' ? {} : { body }),
      });
      const text = await response.text();
      const what = `seed ${seed}, ${why}: ${method} ${path} → ${response.status} ${text.slice(0, 300)}`;
      expect([what, response.status]).toEqual([what, expect.any(Number)]);
      expect([what, response.status >= 400 && response.status < 500]).toEqual([what, true]);
      const { error } = ApiErrorBody.parse(JSON.parse(text));
      expect([what, /^LL-[A-Z]+-\d{3}$/.test(error.code)]).toEqual([what, true]);
      expect([what, error.message.length > 20]).toEqual([what, true]);
      if (field !== undefined) expect([what, error.field?.includes(field)]).toEqual([what, true]);
    }
    await stillWorks();
  });
});

describe('what is not even HTTP', () => {
  it('gets a coded error, or its connection closed, and harms nobody', async () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const random = randomFrom(seed);
      const noise = Uint8Array.from({ length: 1 + Math.floor(random() * 300) }, () =>
        Math.floor(random() * 256),
      );
      const answer = await rawAnswer(noise);
      if (answer !== '') expect(answer).toMatch(/"code":"LL-API-009"/);
    }
    const broken = [
      'GET / HTTP/9.9\r\n\r\n',
      'POST /api/v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n',
      `GET /api/v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`,
      'POST /api/v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ];
    for (const request of broken) expect(await rawAnswer(request)).toMatch(/"code":"LL-API-009"/);
    await stillWorks();
  });

  it('is refused when it is sent to a foreign host name', async () => {
    const answer = await rawAnswer(
      'GET /api/v1/plans HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 421 .*"code":"LL-API-011"/s);
  });
});

describe('a body that is too large', () => {
  it('is refused before it is read', async () => {
    const answer = await rawAnswer(
      'POST /api/v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: 9000000000\r\n\r\n{',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 .*"code":"LL-API-003"/s);
  });

  it('is refused when it does not say how large it is', async () => {
    const chunk = `${(1024 * 1024).toString(16)}\r\n${' '.repeat(1024 * 1024)}\r\n`;
    const head =
      'POST /api/v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await rawAnswer(head + chunk.repeat(9) + '0\r\n\r\n')).toMatch(/"code":"LL-API-003"|^$/);
    await stillWorks();
  });
});

describe('an error', () => {
  it('names field, value and way out', async () => {
    const reply = await planner.call('POST', '/providers', { ...sourceSpec, name: 'Not A Label' });
    expect(reply.body.error).toMatchObject({ code: 'LL-API-001', field: 'name' });
    expect(reply.body.error?.message).toMatch(/"Not A Label".*openapi\.json/);
  });

  it('never repeats what might be a secret', async () => {
    const reply = await planner.call('POST', '/providers', { ...sourceSpec, secret: { name: 'Hunter2 !' } });
    expect(reply.status).toBe(400);
    expect(reply.text).not.toContain('Hunter2');
  });
});

/** fetch refuses to send what is not Latin-1: it goes as its UTF-8 bytes. */
function sendable(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Buffer.from(value, 'utf8').toString('latin1')]),
  );
}
