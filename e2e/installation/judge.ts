import { HANGS_MS } from '@ledgerlift/testing';
import { readdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { auditVerify, openLogForReading } from '@ledgerlift/event-log';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';

/** Files below a folder, relative to it, sorted. */
export const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length + 1))
    .sort();

/** Whether two raw disks read the same, as qemu-img sees it. */
export function disksAreEqual(a: string, b: string): boolean {
  try {
    execFileSync('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', a, b], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export interface LogJudgement {
  readonly findings: number;
  readonly ids: readonly string[];
}

/** What is in the log, and whether its chains hold. */
export async function judgeLog(path: string): Promise<LogJudgement> {
  const log = await openLogForReading(path);
  try {
    const { findings } = await auditVerify(log);
    const ids: string[] = [];
    for await (const { id } of log.readAll()) ids.push(id);
    return { findings: findings.length, ids };
  } finally {
    await log.close();
  }
}

/** Ids of the events on the bus, each once, in the order in which they came first. */
export async function eventsOnBus(natsUrl: string): Promise<readonly string[]> {
  const nc = await connect({ servers: natsUrl.split(',') });
  try {
    const jsm = await jetstreamManager(nc);
    const { state } = await jsm.streams.info('LEDGERLIFT_EVENTS');
    const ids = new Set<string>();
    for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
      const message = await jsm.streams.getMessage('LEDGERLIFT_EVENTS', { seq });
      const event = message?.json<{ id?: unknown }>();
      if (typeof event?.id === 'string') ids.add(event.id);
    }
    return [...ids];
  } finally {
    await nc.close();
  }
}

/** Waits until every event of the log is on the bus, in its order. @returns the events that never came */
export async function missingOnBus(natsUrl: string, ids: readonly string[]): Promise<readonly string[]> {
  const deadline = Date.now() + HANGS_MS;
  for (;;) {
    const present = new Set(await eventsOnBus(natsUrl).catch(() => []));
    const missing = ids.filter((id) => !present.has(id));
    if (missing.length === 0 || Date.now() > deadline) return missing;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
