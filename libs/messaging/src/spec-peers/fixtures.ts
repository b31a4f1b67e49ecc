import { type Job, Job as JobSchema, type Resource, type StepResult } from '@ledgerlift/contracts';
import { v7 as uuid } from 'uuid';
import type { StoredEventLike } from '../publish/cloud-event.js';

let position = 0;

/** An event as a log would have stored it. */
export function storedEvent(
  type: string,
  data: unknown,
  { stream = 'vm-m1-0', version = 1 }: { readonly stream?: string; readonly version?: number } = {},
): StoredEventLike {
  position += 1;
  return {
    id: uuid(),
    type,
    version,
    stream,
    revision: position,
    position: String(position),
    time: new Date().toISOString(),
    correlationId: 'correlation',
    causationId: 'cause',
    actor: { kind: 'system', name: 'planner', authenticatedBy: 'process' },
    hash: 'hash',
    data,
  };
}

export const stepRequested = (stream: string, attempt = 1): StoredEventLike =>
  storedEvent(
    'StepRequested',
    { step: 'Initialize', attempt, service: 'transfer', site: 'local' },
    { stream },
  );

export const initialized: StepResult = { step: 'Initialize', powerState: 'off', fingerprint: 'f' };

export const disk = (name: string): Resource => ({
  kind: 'disk',
  name,
  service: 'transfer',
  lifetime: 'result',
});

export function job(attempt: number, bandwidthLimit?: number): Job {
  return JobSchema.parse({
    step: 'Initialize',
    attempt,
    results: [],
    checkpoints: [],
    ledger: [],
    release: [],
    record: {
      installation: 'spec',
      migrationId: 'm1',
      planId: 'p1',
      planName: 'p',
      index: 0,
      source: {
        provider: {
          id: 'o',
          spec: { name: 'o', type: 'ova', sites: ['local'], settings: { path: '/o.ova' } },
        },
        vm: {
          id: 'v',
          name: 'v',
          path: 'v',
          powerState: 'off',
          cpu: { count: 1, coresPerSocket: 1, affinity: [], hotAdd: false },
          memory: { bytes: 1, hotAdd: false },
          firmware: 'bios',
          secureBoot: false,
          tpm: false,
          os: { id: 'x', description: 'x', family: 'linux' },
          disks: [],
          nics: [],
          exportedBy: '',
          fingerprint: 'f',
          concerns: [],
        },
      },
      target: {
        providerId: 'd',
        type: 'directory',
        name: 'd',
        settings: { path: '/d', diskFormat: 'raw', networks: [], storages: [] },
      },
      targetName: 'v',
      targetNamespace: 'default',
      folder: 'v',
      nics: [],
      disks: [],
      labels: {},
      powerState: 'off',
      settings: { verify: 'none', ...(bandwidthLimit === undefined ? {} : { bandwidthLimit }) },
    },
  });
}

/** Waits for something to become true, and says what when it does not. */
export async function until(what: string, check: () => boolean, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!check()) {
    if (Date.now() > end) throw new Error(`${what}: not seen within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
