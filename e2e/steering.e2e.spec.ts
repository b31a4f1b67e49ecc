import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type PlanSpecInput, ScheduleLimits } from '@ledgerlift/contracts';
import { HANGS_MS, type LabHypervisor } from '@ledgerlift/testing';
import type { Installation } from './installation/installation.js';
import { type LabInstallation, startWithLab } from './installation/lab.js';

const MiB = 1024 * 1024;
let started: LabInstallation;
let at: Installation;
let lab: LabHypervisor;

beforeAll(async () => {
  started = await startWithLab();
  ({ at, lab } = started);
});
afterAll(() => started.end());

/** VMs that are off. */
async function off(names: readonly string[], size = 2, host = 'host1'): Promise<void> {
  for (const name of names)
    await lab.createVm({
      name,
      host,
      nics: [{ id: 'nic-0', name: 'nic', network: 'VM Network' }],
      disks: [{ id: 'disk-0', capacityBytes: size * MiB, filled: 1 }],
    });
}

const migrate = (plan: string, names: readonly string[], change: Partial<PlanSpecInput> = {}) =>
  at.migrate(plan, names, { source: 'lab', skipGuestConversion: true, ...change });
const limit = (change: object) => at.call('schedule.set', { body: ScheduleLimits.parse(change) });
const vmIs = async (migration: string, vm: number, is: (state: string, waits: string) => boolean) => {
  for (const deadline = Date.now() + HANGS_MS; ;) {
    const { state, waitingFor = '' } = await at.vm(migration, vm);
    if (is(state, waitingFor)) return;
    if (Date.now() > deadline) throw new Error(`VM ${vm} is ${state} and waits for ${waitingFor}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

describe('waves', () => {
  it('begin one after the other, by command', async () => {
    await off(['w1', 'w2']);
    const vms = [
      { ref: 'w1', wave: 1 },
      { ref: 'w2', wave: 2 },
    ];
    const migration = await migrate('by-command', [], { vms, waves: { startNext: 'command' } });
    await vmIs(migration, 0, (state) => state === 'succeeded');
    await vmIs(migration, 1, (state, waits) => state === 'planned' && waits.includes('wave 2 to be started'));
    await at.call('plans.next-wave', { params: { plan: 'by-command' }, body: {} });
    await at.succeeded(migration);
    await expect(at.call('plans.next-wave', { params: { plan: 'by-command' }, body: {} })).rejects.toThrow(
      /LL-/,
    );
  });

  it('begin by themselves when enough of the one before have succeeded', async () => {
    await off(['a1', 'a2']);
    const vms = [
      { ref: 'a1', wave: 3 },
      { ref: 'a2', wave: 7 },
    ];
    await at.succeeded(await migrate('automatic', [], { vms }));
  });
});

describe('a start that needs a second person', () => {
  it('waits for their word, and does not take it from the one who asked', async () => {
    await off(['approved']);
    const migration = await migrate('approval', ['approved'], { approve: { start: true } });
    await vmIs(migration, 0, (state, waits) => state === 'planned' && waits.includes('second person'));
    const approve = { params: { plan: 'approval' }, body: { what: 'start' } };
    await expect(at.call('plans.approve', approve)).rejects.toThrow(/somebody else/);
    await at.call('plans.approve', { ...approve, as: 'grace' });
    await at.succeeded(migration);
  });
});

describe('limits', () => {
  it('hold VMs back, say why, and let them go when they are changed', async () => {
    await off(['l1', 'l2'], 2, 'busy');
    await limit({ vms: 0 });
    const migration = await migrate('limited', ['l1', 'l2']);
    await vmIs(migration, 0, (_, waits) => waits.includes('the limit of the installation'));
    await limit({ vmsPerHost: 1 });
    await at.succeeded(migration);
  });

  it('of a maintenance window hold VMs back until it is changed', async () => {
    await off(['night']);
    const now = new Date();
    const from = `${String((now.getUTCHours() + 2) % 24).padStart(2, '0')}:00`;
    const to = `${String((now.getUTCHours() + 3) % 24).padStart(2, '0')}:00`;
    await limit({ windows: [{ from, to }] });
    const migration = await migrate('at-night', ['night']);
    await vmIs(migration, 0, (_, waits) => waits.includes('the maintenance window that opens at'));
    await limit({});
    await at.succeeded(migration);
  });

  it('of bandwidth are shared by the copies that run, and changed while they run', async () => {
    await off(['b1', 'b2'], 24);
    // Twice 24 MiB would take 13 minutes, which nothing here waits for.
    await limit({ bytesPerSecond: MiB / 16 });
    const migration = await migrate('slow', ['b1', 'b2']);
    await at.reached(migration, 'DiskTransfer');
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect((await at.vm(migration)).state).toBe('running');
    await limit({});
    await at.succeeded(migration);
  });
});
