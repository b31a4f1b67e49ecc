import { writeFile } from 'node:fs/promises';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { PlanSpecInput } from '@ledgerlift/contracts';
import { type RunFacts, judge } from '../judge/judge.js';
import { type Callees, type Instants, instantsOf, nextTurn, planRules } from '../rules/plan.js';
import type { RunScript } from '../script/script.js';
import type { World } from '../world/world.js';
import { type Finding, found } from './finding.js';
import { Operator } from './operator.js';
import { settle } from './settle.js';
import { Sources } from './sources.js';
import { type Scene, strike } from './strike.js';

export interface RunResult {
  readonly findings: readonly Finding[];
  readonly ends: readonly string[];
  readonly seconds: number;
  readonly notes: readonly string[];
}

/** One run, from its sources to the judgement, in a world that is whole again when this resolves without a finding. */
export async function doRun(world: World, script: RunScript): Promise<RunResult> {
  const began = Date.now();
  await writeFile(world.folder.file('work', 'seconds'), String(script.conversionSeconds));
  await writeFile(world.folder.file('work', 'script.json'), JSON.stringify(script, undefined, 2));
  const sources = await Sources.make(world, script);
  const scene: Scene = { world, sources, vms: script.vms, intrusions: [] };
  const plan = `r${script.run}`;
  const { window, hooks } = script.rules;
  const instants = window && instantsOf(window, nextTurn(Date.now()));
  world.answers.expect(hooks);
  await world.call('plans.create', {
    body: planOf(script, plan, {
      instants,
      callees: { url: world.answers.url, journal: world.hookJournal.path },
    }),
  });
  const strikes = () => script.faults.map((fault) => delay(fault.atMs).then(() => strike(scene, fault)));
  const early = script.faultsBegin === 'before-start' ? strikes() : [];
  const migration = await started(world, plan);
  const operator = new Operator(world, plan, migration);
  const over = new AbortController();
  const answering = world.answers.answerEvents(
    world.call,
    { migration, hooks, vms: script.vms.length },
    over.signal,
  );
  const asks = script.commands.map((command) => delay(command.atMs).then(() => operator.ask(command)));
  await Promise.all([...early, ...(early.length === 0 ? strikes() : []), ...asks]);
  sources.comeBack();
  await world.heal();
  const settled = await settle({ world, script, instants, migration, operator });
  over.abort();
  await answering;
  const ends = settled.views.map(({ state }) => state);
  const facts = { script, instants, migration, asked: operator.asked };
  const findings = [...settled.findings, ...(await judge(scene, facts))];
  await writeFile(world.folder.file('work', 'asked.json'), JSON.stringify(operator.asked, undefined, 2));
  if (findings.length === 0) findings.push(...(await archived(scene, facts, { plan, ends })));
  if (findings.length === 0) await tidy(scene);
  const notes = world.members
    .filter(({ service }) => service.ends > 0)
    .map(({ name, service }) => `${name} ended ${service.ends}×`);
  return { findings, ends, seconds: (Date.now() - began) / 1000, notes };
}

function planOf(
  script: RunScript,
  name: string,
  { instants, callees }: { readonly instants: Instants | undefined; readonly callees: Callees },
): PlanSpecInput {
  const { cutover, ...rules } = planRules(script.rules, instants, callees);
  const source = script.source === 'ova' ? 'ova' : 'lab';
  return {
    name,
    source,
    target: 'out',
    networkMapping: `${source}-nets`,
    storageMapping: `${source}-disks`,
    vms: script.vms.map((vm) => ({ ref: vm.name, targetName: vm.name })),
    type: script.source === 'lab-warm' ? 'warm' : 'cold',
    skipGuestConversion: !script.converts,
    verify: script.verify,
    retry: { maxRetries: script.maxRetries, baseDelayMs: 100, maxDelayMs: 1000 },
    ...rules,
    warm: { precopyIntervalMs: 300, cutover },
    shutdown: { timeLimitMs: 1500 },
    timeLimits: { snapshotMs: 5000 },
    ...(script.bandwidthLimit === undefined ? {} : { bandwidthLimit: script.bandwidthLimit }),
    ...(script.retires ? { retireSource: { disconnectNics: true, tag: 'migrated' } } : {}),
  };
}

/** A start that is refused, for nothing answers just now, is asked for again: as an operator would. */
async function started(world: World, plan: string): Promise<string> {
  for (const deadline = Date.now() + 30_000; ; await delay(200)) {
    try {
      return (await world.call('plans.start', { params: { plan } })).id;
    } catch (error) {
      const running = await world
        .call('migrations.list', { query: { plan } })
        .catch(() => ({ items: [] as readonly { readonly id: string }[] }));
      // The answer was lost, and not the start.
      if (running.items[0] !== undefined) return running.items[0].id;
      if (Date.now() > deadline) throw error;
    }
  }
}

/** What failed for good is given up: then all that was kept for a retry must go. */
async function archived(
  scene: Scene,
  facts: RunFacts,
  { plan, ends }: { readonly plan: string; readonly ends: readonly string[] },
): Promise<readonly Finding[]> {
  const { script, migration } = facts;
  if (!ends.includes('failed')) return [];
  const { world } = scene;
  await world.call('plans.archive', { params: { plan } });
  for (const deadline = Date.now() + 30_000; ; await delay(100)) {
    const views = await Promise.all(
      script.vms.map((_, vm) => world.call('vms.get', { params: { migration, vm } })),
    );
    const open = views.filter(
      ({ state, abandoned }) => state === 'cleaning' || (state === 'failed' && !abandoned),
    );
    if (open.length === 0) break;
    if (Date.now() > deadline)
      return open.map(({ name, state }) => found('stuck', `${name} was given up, and is ${state}`));
  }
  return judge(scene, facts);
}

async function tidy({ world, sources, vms }: Scene): Promise<void> {
  await sources.remove();
  for (const { name } of vms)
    await rm(world.folder.file('out', 'default', name), { recursive: true, force: true });
}
