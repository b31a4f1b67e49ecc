import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HANGS_MS } from '@ledgerlift/testing';
import { Installation, SERVICES, type Service } from './installation/installation.js';

let at: Installation;
beforeEach(async () => {
  at = await Installation.start();
});
afterEach(() => at[Symbol.asyncDispose](), 60_000);

async function addressOf(service: Service): Promise<string> {
  if (service === 'planner') return at.url;
  const line = await at.service(service).waitForLine(/"healthPort":\d+/);
  return `http://127.0.0.1:${/"healthPort":(\d+)/.exec(line)?.[1] ?? ''}`;
}

interface Health {
  readonly live: number;
  readonly ready: number;
  /** What is missing for readiness, separated by commas. */
  readonly missing: string;
}

async function healthOf(service: Service): Promise<Health> {
  const url = await addressOf(service);
  const ask = (path: string) => fetch(`${url}/health/${path}`, { signal: AbortSignal.timeout(60_000) });
  const [live, ready] = [await ask('live'), await ask('ready')];
  const { missing = [] } = (await ready.json()) as { readonly missing?: readonly string[] };
  return { live: live.status, ready: ready.status, missing: missing.join(', ') };
}

/** Waits until the service's health is as expected; it may be away meanwhile. */
async function until(service: Service, expected: Health): Promise<void> {
  for (const deadline = Date.now() + HANGS_MS; ;) {
    const health = await healthOf(service).catch(() => undefined);
    if (JSON.stringify(health) === JSON.stringify(expected)) return;
    if (Date.now() > deadline) throw new Error(`the health of ${service} is ${JSON.stringify(health)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const ready = { live: 200, ready: 200, missing: '' };
const withoutNats = { live: 200, ready: 503, missing: 'NATS is not connected' };

describe('without NATS', () => {
  it('every service is live but not ready, until NATS is back', async () => {
    for (const service of SERVICES) await until(service, ready);
    await at.nats.kill();
    for (const service of SERVICES) await until(service, withoutNats);
    await at.nats.restart();
    for (const service of SERVICES) await until(service, ready);
  });

  it('a planner that starts is live but not ready, and answers nothing else', async () => {
    await at.nats.kill();
    await at.service('planner').restart();
    await until('planner', withoutNats);
    await expect(fetch(`${at.url}/api/v1/plans`)).rejects.toThrow('fetch failed');
    await at.nats.restart();
    await until('planner', ready);
    expect((await fetch(`${at.url}/api/v1/plans`)).status).toBe(200);
  });
});
