import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MigrationView, PlanSpecInput } from '@ledgerlift/contracts';
import { HANGS_MS, buildOva, LabHypervisor, makeSmallDisk, temporaryFolder } from '@ledgerlift/testing';
import { Installation } from './installation/installation.js';
import { filesBelow, judgeLog } from './installation/judge.js';
import { testingExtensions } from './installation/root.js';

const MiB = 1024 * 1024;
let at: Installation;
const commands = temporaryFolder('hooks');

beforeAll(async () => {
  const tell = '#!/bin/sh\ncat >"$1.json"\nenv | grep -E "^LEDGERLIFT_FAIL" | sort >"$1.env"\n';
  writeFileSync(commands.file('tell'), tell, { mode: 0o755 });
  at = await Installation.start({ env: { ...testingExtensions, LEDGERLIFT_HOOKS_DIR: commands.path } });
  await makeSmallDisk(at.folder.file('one.raw'), { size: 4 * MiB, seed: 1 });
  const vms = ['left', 'right'].map((name) => ({
    name,
    disks: [{ raw: at.folder.file('one.raw') }],
    nics: [{ network: 'VM Network' }],
  }));
  await buildOva({ name: 'pair', folder: at.folder.file('ovas'), vms });
  await at.prepare();
});
afterAll(async () => {
  await at[Symbol.asyncDispose]();
  await commands.remove();
});

type Hook = NonNullable<PlanSpecInput['hooks']>[number];
const hook = (name: string, moment: Hook['at'], change: Partial<Hook> = {}): Hook => ({
  name,
  at: moment,
  scope: 'plan',
  run: { kind: 'event' },
  ...change,
});

/** A plan of both VMs under names of its own, whose hooks are answered by hand. Its VMs are 0 and 1, its hooks follow. */
const migrate = (name: string, hooks: readonly Hook[]): Promise<string> => {
  const vms = ['left', 'right'].map((ref) => ({ ref, targetName: `${name}-${ref}` }));
  return at.migrate(name, [], {
    vms,
    skipGuestConversion: true,
    hooks: [...hooks],
    retry: { maxRetries: 0 },
  });
};

const answer = (migration: string, vm: number, name: string, succeeded = true) =>
  at.call('vms.answer-hook', { params: { migration, vm }, body: { hook: name, succeeded, said: 'so' } });

async function until(migration: string, is: (view: MigrationView) => boolean): Promise<MigrationView> {
  for (const deadline = Date.now() + HANGS_MS; ;) {
    const view = await at.call('migrations.get', { params: { migration } });
    if (is(view)) return view;
    if (Date.now() > deadline) throw new Error(`it did not come: ${JSON.stringify(view)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
const hookIs =
  (name: string, state: MigrationView['hooks'][number]['state']) =>
  ({ hooks }: MigrationView): boolean =>
    hooks.some((each) => each.name === name && each.state === state);
const statesOf = ({ hooks }: MigrationView): string[] => hooks.map(({ name, state }) => `${name} ${state}`);

describe('a hook of a whole plan', () => {
  it('keeps all VMs until it is done, and another runs once they all are', async () => {
    const migration = await migrate('ticket', [
      hook('open', 'before'),
      hook('close', 'after'),
      hook('alarm', 'failure'),
    ]);
    await until(migration, hookIs('open', 'running'));
    for (const vm of [0, 1]) {
      const { state, waitingFor } = await at.vm(migration, vm);
      expect([state, waitingFor]).toEqual(['planned', `the plan's hook open (${migration}/2) to be done`]);
    }
    const { hooks } = await at.call('migrations.get', { params: { migration } });
    expect(hooks).toMatchObject([
      { kind: 'event', state: 'running', waitingFor: 'an answer to the hook open' },
      { state: 'pending', waitingFor: expect.stringMatching(/none to have failed$/) },
      { state: 'pending', waitingFor: expect.stringMatching(/one to have failed$/) },
    ]);
    await answer(migration, 2, 'open');
    await until(migration, hookIs('close', 'running'));
    expect(await at.call('migrations.get', { params: { migration } })).toMatchObject({ status: 'succeeded' });
    await answer(migration, 3, 'close');
    const view = await until(migration, hookIs('close', 'succeeded'));
    expect(statesOf(view)).toEqual(['open succeeded', 'close succeeded', 'alarm pending']);
    expect(view.counts).toMatchObject({ total: 2, succeeded: 2 });
    expect(view.hooks[0]).toMatchObject({ said: 'so', endedAt: expect.any(String) });
    expect(view.hooks[2]?.waitingFor).toBeUndefined();
  });

  it('that fails keeps the VMs, until it is tried again; a planner that dies meanwhile knows', async () => {
    const migration = await migrate('again', [hook('first', 'before'), hook('second', 'before')]);
    await until(migration, hookIs('first', 'running'));
    await answer(migration, 2, 'first', false);
    const failed = await until(migration, hookIs('first', 'failed'));
    expect(failed.hooks[0]?.error?.message).toMatch(/so/);
    expect((await at.vm(migration)).waitingFor).toMatch(
      /hook first .* failed: .*retry it, or cancel the plan/,
    );
    await at.service('planner').kill();
    await at.service('planner').restart();
    await at.service('planner').waitForHttp(`${at.url}/health/ready`);
    expect((await at.vm(migration)).waitingFor).toMatch(/which failed/);
    await at.call('plans.retry', { params: { plan: 'again' }, body: {} });
    await until(migration, hookIs('first', 'running'));
    await answer(migration, 2, 'first');
    await until(migration, hookIs('second', 'running'));
    expect((await at.vm(migration)).state).toBe('planned');
    await answer(migration, 3, 'second');
    await at.succeeded(migration);
  });

  it('on failure runs once all VMs are at an end, and some failed', async () => {
    const hooks = [
      hook('wait', 'before'),
      hook('done', 'after'),
      hook('alarm', 'failure', { onFailure: 'continue' }),
    ];
    const migration = await migrate('sad', hooks);
    await until(migration, hookIs('wait', 'running'));
    // Somebody else has the name by now.
    await mkdir(at.folder.file('out', 'default', 'sad-right'), { recursive: true });
    await answer(migration, 2, 'wait');
    await until(migration, hookIs('alarm', 'running'));
    await answer(migration, 4, 'alarm', false);
    const view = await until(migration, hookIs('alarm', 'succeeded'));
    expect(statesOf(view)).toEqual(['wait succeeded', 'done pending', 'alarm succeeded']);
    expect(view.counts).toMatchObject({ succeeded: 1, failed: 1 });
    expect((await at.vm(migration, 4)).conditions[0]?.type).toBe('HookFailed');
  });

  it('on failure is told of what they failed, as a hook of each VM is told of its own', async () => {
    const tell = (name: string, scope: Hook['scope']): Hook =>
      hook(name, 'failure', { scope, run: { kind: 'command', command: 'tell', arguments: [name] } });
    const hooks = [hook('wait', 'before'), tell('of-the-vm', 'vm'), tell('of-the-plan', 'plan')];
    const migration = await migrate('told', hooks);
    await until(migration, hookIs('wait', 'running'));
    await mkdir(at.folder.file('out', 'default', 'told-right'), { recursive: true });
    await answer(migration, 2, 'wait');
    await until(migration, hookIs('of-the-plan', 'succeeded'));
    const { error } = await at.vm(migration, 1);
    const cause = { step: 'DiskAllocation', code: error?.code, message: error?.message, class: error?.class };
    const read = (name: string): string => readFileSync(commands.file(name), 'utf8');
    expect(JSON.parse(read('of-the-vm.json'))).toMatchObject({ failure: cause, vm: { name: 'right' } });
    expect(JSON.parse(read('of-the-plan.json'))).toMatchObject({
      scope: 'plan',
      failed: 1,
      failures: [{ vm: { index: 1, name: 'right' }, ...cause }],
    });
    for (const name of ['of-the-vm', 'of-the-plan'])
      expect(read(`${name}.env`).trimEnd().split('\n')).toEqual([
        'LEDGERLIFT_FAILED_STEP=DiskAllocation',
        'LEDGERLIFT_FAILED_VM=right',
        'LEDGERLIFT_FAILED_VMS=1',
        `LEDGERLIFT_FAILURE_CODE=${error?.code}`,
        `LEDGERLIFT_FAILURE_MESSAGE=${error?.message}`,
      ]);
  });

  it('at the cutover is done before the first VM of a warm plan is powered off, while passes go on', async () => {
    await using lab = await LabHypervisor.start();
    const [source, nets, disks] = ['lab', 'lab-nets', 'lab-disks'];
    await at.call('providers.create', { body: { name: source, type: 'x-lab', settings: { url: lab.url } } });
    const ends = { source, target: 'out' };
    const networks = [{ source: 'VM Network', destination: { type: 'pod' } }];
    const storages = [{ source: 'datastore1', destination: { storageClass: 'default' } }];
    await at.call('mappings.create', { body: { kind: 'network', name: nets, ...ends, pairs: networks } });
    await at.call('mappings.create', { body: { kind: 'storage', name: disks, ...ends, pairs: storages } });
    for (const name of ['one', 'two']) {
      const id = await lab.createVm({ name, disks: [{ id: 'disk-0', capacityBytes: 4 * MiB }] });
      await lab.power(id, 'on');
    }
    const migration = await at.migrate('freeze', ['one', 'two'], {
      ...ends,
      networkMapping: nets,
      storageMapping: disks,
      type: 'warm',
      skipGuestConversion: true,
      warm: { precopyIntervalMs: 300 },
      hooks: [hook('freeze', 'cutover')],
    });
    await at.until(migration, ({ state }) => state === 'waiting');
    expect(statesOf(await at.call('migrations.get', { params: { migration } }))).toEqual(['freeze pending']);
    await at.cutover(migration);
    await until(migration, hookIs('freeze', 'running'));
    const { warm } = await at.vm(migration);
    await at.until(migration, (vm) => (vm.warm?.round ?? 0) > (warm?.round ?? 0) + 1);
    await answer(migration, 2, 'freeze');
    await at.until(migration, ({ state }) => state === 'succeeded');
    await at.cutover(migration, 1);
    await at.succeeded(migration);
  });

  it('goes with the plan that is canceled', async () => {
    const migration = await migrate('gone', [hook('wait', 'before'), hook('done', 'after')]);
    await until(migration, hookIs('wait', 'running'));
    await at.call('migrations.cancel', { params: { migration }, body: { reason: 'a test' } });
    expect(await at.ended(migration)).toMatchObject({ status: 'canceled' });
    const view = await until(migration, hookIs('done', 'canceled'));
    expect(statesOf(view)).toEqual(['wait canceled', 'done canceled']);
    expect(filesBelow(at.folder.file('out')).filter((name) => name.includes('gone'))).toEqual([]);
    expect((await judgeLog(at.logFile)).findings).toBe(0);
  });
});
