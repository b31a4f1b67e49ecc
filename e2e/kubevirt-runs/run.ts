import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { VmView } from '@ledgerlift/contracts';
import { buildOva, makeSmallDisk } from '@ledgerlift/testing';
import { Operator } from '../faults/run/operator.js';
import { Chance } from '../faults/script/draw.js';
import { SERVICES } from '../installation/installation.js';
import { root } from '../installation/root.js';
import { type Finding, judged, judgedPods, listingOf } from './judged.js';
import type { FaultScript, Moment, RunScript } from './script.js';
import { strike } from './strike.js';
import { type World, mappingOf } from './world.js';

/** A pod whose node is lost is given up by Kubernetes after a minute; and several faults come one after the other. */
const DEADLINE_MS = 600_000;
/** What a clean-up gave up is asked for again, for so long. */
const CLEAN_MS = 120_000;
/** So often an operator tries again what failed although nothing is broken any more. */
const RETRIES = 10;
const RETRY_MS = 1000;
/** Why a resource is kept that a later clean-up would remove (libs/migration/src/vm/ending.ts). */
const GIVEN_UP = 'clean-up could not release it';

/** QuotaExceeded, and KubernetesRefused while the quota's controller has not looked at it yet. */
const OF_QUOTAS = ['LL-KUB-042', 'LL-KUB-009'];

export interface RunResult {
  readonly findings: readonly Finding[];
  /** What the VM came to. */
  readonly end: string;
  /** Kinds of the faults that met something. */
  readonly met: readonly FaultScript['kind'][];
  /** Codes of the errors that an operator dealt with before the end. */
  readonly retried: readonly string[];
}

/** One VM, from its making to the judgement, which asks the cluster and the kernel, and not our own word. */
export async function doRun(world: World, namespace: string, script: RunScript): Promise<RunResult> {
  const { installation } = world.cluster;
  const { name } = script;
  const sources: string[] = [];
  for (const [index, { bytes, filled }] of script.disks.entries()) {
    const raw = installation.folder.file(`${name}-${index}.raw`);
    await makeSmallDisk(raw, { size: bytes, filled, seed: script.seed * 1000 + script.run * 10 + index + 1 });
    sources.push(raw);
  }
  const vms = [{ name, disks: sources.map((raw) => ({ raw })) }];
  const { path: ova } = await buildOva({ name, folder: installation.folder.file('ovas'), vms });
  const migration = await started(world, namespace, script);
  const play = new Play(world, { script, namespace, migration });
  const view = await play.played();
  const { met, retried } = play;
  const findings: readonly Finding[] = [
    ...judgedPods(world, migration),
    ...[...play.needless].map((why): Finding => ({
      kind: 'stuck',
      what: `it needed an operator, though what struck it passes by itself: ${why}`,
    })),
    ...(typeof view === 'string'
      ? [{ kind: 'stuck', what: view } as const]
      : await judged(world, script, { view, migration, namespace, sources })),
  ];
  if (findings.length > 0) await keep(world, { script, namespace, migration });
  const rest = await cleared(world, namespace);
  for (const path of [ova, ...sources]) await rm(path, { force: true });
  return {
    findings: [...findings, ...rest],
    end: typeof view === 'string' ? 'stuck' : view.state,
    met,
    retried,
  };
}

async function started(world: World, namespace: string, script: RunScript): Promise<string> {
  const { installation } = world.cluster;
  const body = {
    name: script.name,
    source: 'files',
    target: 'out',
    networkMapping: 'nets',
    storageMapping: mappingOf(script),
    vms: [{ ref: script.name }],
    targetNamespace: namespace,
    skipGuestConversion: true,
    verify: script.verify,
    bandwidthLimit: script.bandwidthLimit,
    // An API server takes half a minute to come back on a busy machine: no outage here ends a VM.
    retry: { maxRetries: 100, baseDelayMs: 100, maxDelayMs: 1000 },
  };
  return asked(async () => {
    await installation.call('plans.create', { body }).catch((error: unknown) => {
      // The answer before was lost, and not what it answered.
      if (!String(error).includes('LL-PLN-102')) throw error;
    });
    const { items } = await installation.call('migrations.list', { query: { plan: script.name } });
    return items[0]?.id ?? (await installation.call('plans.start', { params: { plan: script.name } })).id;
  });
}

/** Asks again while others' faults hinder: as an operator would. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + 180_000; ; await delay(500)) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

interface Playing {
  readonly script: RunScript;
  readonly namespace: string;
  readonly migration: string;
}

const TERMINAL: ReadonlySet<VmView['state']> = new Set(['succeeded', 'canceled']);

/** What strikes the VM, and what an operator does about it, until it is at its end and nothing strikes any more. */
class Play {
  readonly met: FaultScript['kind'][] = [];
  readonly retried: string[] = [];
  /** Errors that no operator should have had to deal with. */
  readonly needless = new Set<string>();
  readonly #operator: Operator;
  readonly #ended = new AbortController();
  /** When each step was first seen to have begun. */
  readonly #began = new Map<string, number>();
  #isCanceled = false;
  #retriedAt = 0;
  #calmRetries = 0;
  #striking = 0;

  constructor(
    private readonly world: World,
    private readonly playing: Playing,
  ) {
    this.#operator = new Operator(world.cluster.installation, playing.script.name, playing.migration);
  }

  /** @returns what the VM came to, or in words why it came to no end that policy knows */
  async played(): Promise<VmView | string> {
    const { faults } = this.playing.script;
    const strikes = faults.map((fault, index) => this.#strike(fault, index));
    const struck = Promise.all(strikes);
    // Awaited below.
    struck.catch(() => undefined);
    try {
      const view = await this.#followed();
      this.#ended.abort();
      await struck;
      return typeof view === 'string' ? view : await this.#cleaned();
    } finally {
      this.#ended.abort();
    }
  }

  async #strike(fault: FaultScript, index: number): Promise<void> {
    const { seed, run } = this.playing.script;
    this.#striking += 1;
    try {
      if (!(await this.#reached(fault.at))) return;
      const target = {
        ...this.playing,
        chance: new Chance(seed + 1000 * (index + 1), run),
        over: this.#ended.signal,
      };
      if ((await strike(this.world, target, fault)) === 'met') this.met.push(fault.kind);
    } finally {
      this.#striking -= 1;
    }
  }

  /** @returns false where the VM is at its end before */
  async #reached({ step, afterMs }: Moment): Promise<boolean> {
    while (!this.#ended.signal.aborted) {
      const began = this.#began.get(step);
      if (began !== undefined && performance.now() >= began + afterMs) return true;
      await delay(20);
    }
    return false;
  }

  async #followed(): Promise<VmView | string> {
    const { script, migration } = this.playing;
    for (const deadline = Date.now() + DEADLINE_MS; ; await delay(150)) {
      const vm = await asked(() => this.world.cluster.installation.vm(migration));
      this.#note(vm);
      if (TERMINAL.has(vm.state)) {
        const policy = this.#isCanceled ? 'canceled' : 'succeeded';
        return vm.state === policy ? vm : `${script.name} is ${vm.state}, and policy says ${policy}`;
      }
      if (Date.now() > deadline || this.#calmRetries > RETRIES) return this.#why(vm);
      await this.#dealWith(vm);
    }
  }

  #note({ pipeline }: VmView): void {
    this.#began.set('Initialize', this.#began.get('Initialize') ?? performance.now());
    for (const { step, status } of pipeline)
      if (status !== 'Pending' && status !== 'Requested' && !this.#began.has(step))
        this.#began.set(step, performance.now());
  }

  async #dealWith(vm: VmView): Promise<void> {
    const { cancelAt } = this.playing.script;
    const began = cancelAt === undefined ? undefined : this.#began.get(cancelAt.step);
    const isDue = began !== undefined && performance.now() >= began + (cancelAt?.afterMs ?? 0);
    if (isDue && !this.#isCanceled) {
      const answer = await this.#operator.ask({ kind: 'cancel', vm: 0 });
      this.#isCanceled = answer === 'accepted';
      return;
    }
    const isDown = vm.state === 'failed' || vm.state === 'held';
    if (!isDown || performance.now() < this.#retriedAt + RETRY_MS) return;
    this.#retriedAt = performance.now();
    const answer = await this.#operator.ask({ kind: 'retry', vm: 0 });
    if (answer !== 'accepted') return;
    this.#noteRetry(vm);
    if (this.#striking === 0) this.#calmRetries += 1;
  }

  #noteRetry({ error }: VmView): void {
    const { code = 'no error', message = '' } = error ?? {};
    this.retried.push(code);
    const { script } = this.playing;
    const allowed = script.faults.some(({ kind }) => kind === 'quota-is-used-up') ? OF_QUOTAS : [];
    if (!allowed.includes(code)) this.needless.add(`${code}: ${message}`);
  }

  /** Has removed what a clean-up gave up under a fault. @returns the view afterwards, or what stays */
  async #cleaned(): Promise<VmView | string> {
    const { script, migration } = this.playing;
    for (const deadline = Date.now() + CLEAN_MS; ; await delay(500)) {
      const vm = await asked(() => this.world.cluster.installation.vm(migration));
      const left = vm.kept.filter(({ reason }) => reason === GIVEN_UP);
      if (TERMINAL.has(vm.state) && left.length === 0) return vm;
      if (Date.now() > deadline) return `${script.name} is ${vm.state}, and keeps ${JSON.stringify(left)}`;
      if (TERMINAL.has(vm.state)) {
        const params = { migration, vm: 0 };
        const ask = this.world.cluster.installation.call('vms.clean-up', {
          params,
          body: { reason: 'again' },
        });
        await ask.catch(() => undefined);
      }
    }
  }

  #why({ state, waitingFor, error, pipeline }: VmView): string {
    const steps = pipeline.filter(({ status }) => status !== 'Pending' && status !== 'Completed');
    return `${this.playing.script.name} is ${state} after retries of ${this.retried.join(', ') || 'nothing'}, waiting for ${waitingFor ?? 'nothing'}: ${JSON.stringify([error, steps])}`;
  }
}

/** The history of the VM, what is there, and what services and pods said, for who looks into a finding. */
async function keep(world: World, { script, namespace, migration }: Playing): Promise<void> {
  const { kubernetes, installation } = world.cluster;
  const folder = join(
    root,
    'node_modules',
    '.cache',
    'kubevirt-runs',
    `seed-${script.seed}-run-${script.run}`,
  );
  await mkdir(folder, { recursive: true });
  const said = async (what: () => Promise<unknown>): Promise<unknown> => what().catch(String);
  const core = `/api/v1/namespaces/${namespace}`;
  const kept = {
    script,
    view: await said(() => installation.vm(migration)),
    history: await said(() =>
      installation.call('vms.history', { params: { migration, vm: 0 }, query: { limit: 1000 } }),
    ),
    listing: await said(async () => Object.fromEntries(await listingOf(kubernetes.admin, namespace))),
    events: await said(() => kubernetes.admin.call(`${core}/events`)),
    processes: await said(() => world.processesOf(migration)),
  };
  await writeFile(join(folder, 'kept.json'), JSON.stringify(kept, undefined, 1));
  for (const name of SERVICES)
    await writeFile(join(folder, `${name}.log`), installation.service(name).output.join('\n'));
  await writeFile(join(folder, 'node.log'), kubernetes.node.process.output.join('\n'));
}

/** Empties the namespace for the next run: what is in it was judged. @returns a finding where something cannot be removed */
async function cleared({ cluster: { kubernetes } }: World, namespace: string): Promise<readonly Finding[]> {
  const { admin } = kubernetes;
  const core = `/api/v1/namespaces/${namespace}`;
  const all = [
    `/apis/kubevirt.io/v1/namespaces/${namespace}/virtualmachines`,
    ...['pods', 'secrets', 'persistentvolumeclaims', 'resourcequotas'].map((kind) => `${core}/${kind}`),
  ];
  try {
    await asked(async () => {
      for (const path of all) await admin.remove(path);
      const left = [...(await listingOf(admin, namespace)).keys()];
      if (left.length > 0) throw new Error(`${namespace} still has ${left.join(', ')}`);
    });
    return [];
  } catch (error) {
    return [{ kind: 'stuck', what: String(error) }];
  }
}
