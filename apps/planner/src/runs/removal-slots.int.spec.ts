import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Job, ScheduleLimits } from '@ledgerlift/contracts';
import type { StoredEvent } from '@ledgerlift/event-log';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import type { ResolvedPlan } from '@ledgerlift/planning';
import { factsWith, resolvePlan, vmNamed, webVm } from '@ledgerlift/planning/spec';
import type { MigrationRun } from './run-service.js';
import { Life } from './spec/life.js';
import { vmOfStream } from './stream-names.js';

const VMS = 12;
const MOST = 4;

/** Each VM has one disk to three on one datastore. */
const disksOf = (vm: number): number => 1 + (vm % 3);

function warmPlan(): ResolvedPlan {
  const vms = Array.from({ length: VMS }, (_, vm) =>
    vmNamed(`vm-${vm}`, {
      powerState: 'on',
      disks: Array.from({ length: disksOf(vm) }, (_disk, unit) => {
        const [first] = webVm.disks;
        if (first === undefined) throw new Error('the fixtures have changed');
        return { ...first, id: `disk-${unit}`, name: `disk-${unit}`, unit };
      }),
    }),
  );
  const spec = {
    type: 'warm',
    skipGuestConversion: true,
    maxConcurrentMigrations: VMS,
    warm: { precopyIntervalMs: 0, maxPrecopies: 1 },
  };
  const resolved = resolvePlan(factsWith(vms, { spec }), 'removals', []);
  if (resolved === undefined) throw new Error('the plan cannot be resolved');
  return resolved;
}

let opened: Awaited<ReturnType<typeof openTemporaryLog>>;
beforeEach(async () => {
  opened = await openTemporaryLog();
});
const lives: Life[] = [];
afterEach(async () => {
  // Also where a test has failed: nobody goes on with a log that is gone.
  for (const life of lives.splice(0)) life.kill();
  await opened.destroy();
});

async function begin(worker: string, removalMs: number): Promise<Life> {
  const life = await Life.begin(opened.log, {
    worker,
    leaseMs: 400,
    limits: ScheduleLimits.parse({ vms: 50, snapshotRemovalsPerStorage: MOST }),
    works: (job) => (removes(job) ? delay(removalMs) : Promise.resolve()),
  });
  lives.push(life);
  return life;
}

const removes = ({ step, release }: Pick<Job, 'step' | 'release'>): boolean =>
  step === 'SnapshotRemoval' || release.some(({ kind }) => kind === 'snapshot');
const waitsForTurn = ({ vms }: MigrationRun): readonly string[] =>
  vms.flatMap(({ waitsFor }) => (waitsFor?.startsWith('a slot to remove') === true ? [waitsFor] : []));

describe('snapshots of many VMs on one datastore', () => {
  it('are removed in turns, through passes, cutover and end, and over a kill of the planner', async () => {
    const first = await begin('transfer/spec/1', 60);
    const id = await first.start(warmPlan());
    const waiting = await first.reaches(id, (run) => waitsForTurn(run).length > 0);
    expect(waitsForTurn(waiting)[0]).toMatch(
      /^a slot to remove a snapshot(: \d disks? of .+ (is|are) being consolidated)?$/,
    );
    // Turns are taken, others waited for, and nobody can say any more how far the removals have come.
    first.kill();
    await opened.reopen();
    expect(first.failures).toEqual([]);

    const second = await begin('transfer/spec/2', 15);
    await second.reaches(id, ({ phases }) => phases.waiting === VMS);
    expect(await second.cutOver(id)).toBe(VMS);
    const ended = await second.reaches(id, ({ completedAt }) => completedAt !== undefined);
    expect(ended.phases.succeeded).toBe(VMS);
    second.kill();
    expect(second.failures).toEqual([]);
    const { most, left, removals } = await told();
    expect(most).toBeLessThanOrEqual(MOST);
    // Of a pass, of the cutover, and of the end.
    expect(removals).toBeGreaterThanOrEqual(3 * VMS);
    expect(left).toEqual([]);
  });

  it('are removed in turns when all of a plan is canceled at once', async () => {
    const life = await begin('transfer/spec/1', 30);
    const id = await life.start(warmPlan());
    await life.reaches(id, (run) => waitsForTurn(run).length > 2);
    await life.cancel(id);
    const ended = await life.reaches(id, ({ completedAt }) => completedAt !== undefined);
    life.kill();
    expect(ended.phases.canceled).toBe(VMS);
    expect(life.failures).toEqual([]);
    const { most, left } = await told();
    expect(most).toBeLessThanOrEqual(MOST);
    expect(left).toEqual([]);
    expect(ended.vms.filter(({ state }) => Object.keys(state?.ledger ?? {}).length > 0)).toEqual([]);
  });
});

/** What the log says: how many disks were consolidated at once at the most, and who never gave a turn back. */
async function told(): Promise<{ most: number; removals: number; left: readonly string[] }> {
  const open = new Map<string, number>();
  const turns = new Set<string>();
  let [most, removals] = [0, 0];
  for await (const event of opened.log.readAll()) {
    const { migrationId, vm } = event.data as { readonly migrationId?: string; readonly vm?: number };
    if (event.type === 'RemovalSlotGiven') turns.add(`${migrationId ?? ''}/${vm ?? ''}`);
    if (event.type === 'RemovalSlotReleased') turns.delete(`${migrationId ?? ''}/${vm ?? ''}`);
    const number = vmOfStream(event.stream)?.vm;
    if (number === undefined) continue;
    if (isRequestOfRemoval(event)) {
      removals += 1;
      open.set(event.stream, disksOf(number));
      // Where a worker was lost the source goes on with what was begun.
    } else if (/^Step(Requested|Completed|Stopped)$/.test(event.type)) open.delete(event.stream);
    most = Math.max(
      most,
      [...open.values()].reduce((sum, disks) => sum + disks, 0),
    );
  }
  return { most, removals, left: [...turns] };
}

function isRequestOfRemoval({ type, data }: StoredEvent): boolean {
  if (type !== 'StepRequested') return false;
  const { step, release = [] } = data as Partial<Job> & Pick<Job, 'step'>;
  return removes({ step, release });
}
