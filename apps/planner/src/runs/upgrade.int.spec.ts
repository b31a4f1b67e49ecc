import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EventOf, ScheduleLimits } from '@ledgerlift/contracts';
import { type StoredEvent, auditVerify, comparePositions } from '@ledgerlift/event-log';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import { Life } from './spec/life.js';
import { SCHEDULE_STREAM, vmOfStream } from './stream-names.js';

const MOST = 4;
const folder = join(import.meta.dirname, '..', 'histories', 'recorded');

/**
 * What a planner wrote that knew of no turns to remove snapshots, until it was killed. VM 0 and 4 were in the midst of a
 * removal, VM 1 had been asked for one, VM 2 was canceled and in the midst of its clean-up, VM 3 had failed at a removal and
 * was to try again; VM 5 waited for its cutover.
 */
const recorded = readdirSync(folder)
  .filter((name) => name.startsWith('before-turns-'))
  .flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
  .map((line) => JSON.parse(line) as StoredEvent)
  .sort((one, other) => comparePositions(one.position, other.position));
const underWay = [0, 1, 2, 3, 4];

let opened: Awaited<ReturnType<typeof openTemporaryLog>>;
let life: Life | undefined;
beforeEach(async () => {
  opened = await openTemporaryLog();
  for (const { stream, revision, position: _, hash, ...event } of recorded) {
    const { events } = await opened.log.append(stream, [event], revision === 0 ? 'no-stream' : revision - 1);
    expect(events[0]?.hash).toBe(hash);
  }
});
afterEach(async () => {
  life?.kill();
  await opened.destroy();
});

describe('a planner that knows of turns to remove snapshots', () => {
  it('goes on with a log that was written by one that did not', async () => {
    const limits = ScheduleLimits.parse({ vms: 50, snapshotRemovalsPerStorage: MOST });
    life = await Life.begin(opened.log, { worker: 'transfer/spec/2', leaseMs: 300, limits });
    const id = vmOfStream(recorded.find(({ stream }) => stream.startsWith('vm-'))?.stream ?? '')?.migrationId;
    if (id === undefined) throw new Error('nothing was recorded');
    await life.cutOver(id);
    const ended = await life.reaches(id, ({ completedAt }) => completedAt !== undefined);
    life.kill();
    expect(life.failures).toEqual([]);
    expect(ended.phases).toMatchObject({ succeeded: 5, canceled: 1 });
    expect(ended.vms.flatMap(({ state }) => Object.values(state?.ledger ?? {}))).not.toContainEqual(
      expect.objectContaining({ kind: 'snapshot' }),
    );
    expect((await auditVerify(opened.log)).findings).toEqual([]);

    const { given, overfull, left } = await turns();
    // What was under way is counted first, though it is more than may be; then nobody begins before there is room.
    expect(given.slice(0, underWay.length).toSorted()).toEqual(underWay);
    expect(given).toContain(5);
    expect(overfull).toEqual([]);
    expect(left).toEqual([]);
  });
});

interface Turns {
  /** VMs, in the order in which they got a turn. */
  readonly given: readonly number[];
  /** VMs that got one beside too many others, though their removal was not under way before. */
  readonly overfull: readonly number[];
  /** VMs that never gave theirs back. */
  readonly left: readonly number[];
}

async function turns(): Promise<Turns> {
  const disks = new Map<number, number>();
  const open = new Set<number>();
  const given: number[] = [];
  const overfull: number[] = [];
  for await (const { type, data } of opened.log.readStream(SCHEDULE_STREAM)) {
    const { vm } = data as EventOf<'VmAdmitted'>['data'];
    if (type === 'RemovalSlotEnqueued') disks.set(vm, sum((data as Wish).storages));
    if (type === 'RemovalSlotReleased') open.delete(vm);
    if (type !== 'RemovalSlotGiven') continue;
    open.add(vm);
    given.push(vm);
    const all = [...open].reduce((total, each) => total + (disks.get(each) ?? 0), 0);
    if (given.length > underWay.length && all > MOST) overfull.push(vm);
  }
  return { given, overfull, left: [...open] };
}

type Wish = EventOf<'RemovalSlotEnqueued'>['data'];
const sum = (storages: Wish['storages']): number =>
  Object.values(storages).reduce((all, each) => all + each, 0);
