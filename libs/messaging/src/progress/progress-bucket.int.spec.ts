import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { progressBucket, ProgressEntry } from '@ledgerlift/contracts';
import { NatsPeer } from '@ledgerlift/testing';
import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import { silentLogger } from '../bus-logger.js';
import { keysOf, ProgressBucket, type ProgressBucketOptions } from './progress-bucket.js';

let nats: NatsPeer;
let nc: NatsConnection;
const open: ProgressBucket[] = [];
/** The VMs that are under way, with their percent. */
let underWay: Map<string, number>;

beforeEach(async () => {
  nats = await NatsPeer.start();
  nc = await nats.connect();
  underWay = new Map();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((bucket) => bucket.close()));
  await nats.stop();
});

function entryOf(stream: string): ProgressEntry | undefined {
  const progressPercent = underWay.get(stream);
  if (progressPercent === undefined) return undefined;
  const index = Number(stream.split('-').at(-1));
  const at = new Date().toISOString();
  const vm = { migrationId: 'm1', index, planId: 'p1', name: `vm-${index}`, state: 'running' as const };
  return { ...vm, progressPercent, items: [], message: '', at };
}

async function bucket(options: Partial<ProgressBucketOptions> = {}): Promise<ProgressBucket> {
  const made = new ProgressBucket({
    nc: await nats.connect(),
    logger: silentLogger,
    entryOf,
    everyMs: 50,
    ...options,
  });
  open.push(made);
  made.start();
  return made;
}

/** Sets how far a VM is; undefined: it is at its end. */
function say(to: ProgressBucket, stream: string, percent: number | undefined): void {
  if (percent === undefined) underWay.delete(stream);
  else underWay.set(stream, percent);
  to.touch(stream);
}

const reader = (): Promise<KV> => new Kvm(nc).open(progressBucket.name);

async function contents(): Promise<Record<string, number>> {
  const kv = await reader();
  const found: Record<string, number> = {};
  for (const key of await keysOf(nc)) {
    const entry = await kv.get(key);
    if (entry?.operation === 'PUT')
      found[key] = ProgressEntry.parse(JSON.parse(entry.string())).progressPercent;
  }
  return found;
}

/** Waits until the bucket holds this. */
async function holds(wanted: Record<string, number>): Promise<void> {
  let last: unknown;
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    last = await contents().catch((error: unknown) => String(error));
    try {
      expect(last).toEqual(wanted);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  expect(last).toEqual(wanted);
}

describe('the bucket of progress', () => {
  it('has one key for each VM that is under way, and none for one at its end', async () => {
    const written = await bucket();
    say(written, 'vm-m1-0', 10);
    say(written, 'vm-m1-1', 20);
    say(written, 'vm-m1-2', undefined);
    await holds({ 'm1.0': 10, 'm1.1': 20 });
    say(written, 'vm-m1-0', undefined);
    say(written, 'vm-m1-1', 30);
    await holds({ 'm1.1': 30 });
  });

  it('is watched by others: what is new, and what is over', async () => {
    const written = await bucket();
    await holds({});
    const watch = await (await reader()).watch({ key: 'm1.*' });
    say(written, 'vm-m1-0', 50);
    say(written, 'vm-m2-0', 60);
    await holds({ 'm1.0': 50, 'm2.0': 60 });
    say(written, 'vm-m1-0', undefined);
    const seen: string[] = [];
    for await (const { key, operation } of watch) {
      seen.push(`${operation} ${key}`);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(['PUT m1.0', 'DEL m1.0']);
  });

  it('keeps the last of what is said more often than it is written', async () => {
    const written = await bucket({ everyMs: 200 });
    for (let percent = 0; percent <= 90; percent += 1) say(written, 'vm-m1-0', percent);
    await holds({ 'm1.0': 90 });
    const { values } = await (await reader()).status();
    const { state } = await (await reader()).status().then(({ streamInfo }) => streamInfo);
    expect(values).toBe(1);
    expect(state.last_seq).toBeLessThanOrEqual(2);
  });

  it('writes many VMs a few at a time, and none is forgotten', async () => {
    const written = await bucket({ mostAtOnce: 7 });
    const wanted: Record<string, number> = {};
    for (let vm = 0; vm < 40; vm += 1) {
      say(written, `vm-m1-${vm}`, vm);
      wanted[`m1.${vm}`] = vm;
    }
    await holds(wanted);
  });

  it('is made again, with all that is under way, when NATS came back without its data', async () => {
    const written = await bucket();
    say(written, 'vm-m1-0', 10);
    say(written, 'vm-m1-1', 20);
    await holds({ 'm1.0': 10, 'm1.1': 20 });
    await nats.server.wipeAndRestart();
    await holds({ 'm1.0': 10, 'm1.1': 20 });
    say(written, 'vm-m1-1', undefined);
    await holds({ 'm1.0': 10 });
  });

  it('is made again when somebody deleted it', async () => {
    const written = await bucket();
    say(written, 'vm-m1-0', 10);
    await holds({ 'm1.0': 10 });
    await (await reader()).destroy();
    say(written, 'vm-m1-1', 20);
    await holds({ 'm1.0': 10, 'm1.1': 20 });
  });

  it('loses the keys of an earlier planner whose VMs are at their end', async () => {
    const earlier = await bucket();
    say(earlier, 'vm-m1-0', 10);
    say(earlier, 'vm-m1-1', 20);
    await holds({ 'm1.0': 10, 'm1.1': 20 });
    await earlier.close();
    underWay.delete('vm-m1-1');
    await bucket();
    await holds({ 'm1.0': 10 });
  });

  it('forgets what no planner writes any more, and not what is quiet', async () => {
    const written = await bucket({ ttlMs: 1500 });
    say(written, 'vm-m1-0', 10);
    await holds({ 'm1.0': 10 });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(await contents()).toEqual({ 'm1.0': 10 });
    await written.close();
    await holds({});
  });
});
