import type { PlanSpecInput } from '@ledgerlift/contracts';
import type { Chance } from '@ledgerlift/testing';
import { ask, askUntil } from './ask.js';
import type { Session } from './session.js';

const MiB = 1024 * 1024;

/** One VM of a run, and what was asked of it and acknowledged. */
export interface VmUnderTest {
  readonly plan: string;
  /** Also its name at the target. */
  readonly name: string;
  readonly kind: 'ova' | 'lab cold' | 'lab warm';
  readonly isConverted: boolean;
  /** At the lab; undefined for an OVA. */
  readonly labId: string | undefined;
  readonly disks: number;
  readonly wasOn: boolean;
  migration: string;
  readonly acknowledged: Set<'cancel' | 'rollback' | 'cutover' | 'pause'>;
  /** Somebody started the source: whether it is on at the end is not ours to answer for. */
  intruded: boolean;
}

/** Makes the VM, its plan, and starts it. */
export async function begin(session: Session, chance: Chance, name: string): Promise<VmUnderTest> {
  const kind = chance.weighted([
    [1, 'ova' as const],
    [1, 'lab cold' as const],
    [3, 'lab warm' as const],
  ]);
  const disks = kind === 'ova' ? 1 : 1 + chance.below(2);
  const wasOn = kind === 'lab warm' || (kind === 'lab cold' && chance.once(2));
  const labId = kind === 'ova' ? undefined : await makeVm(session, chance, name, disks, wasOn);
  const isConverted = chance.once(2);
  const { url } = session.at;
  const change: Partial<PlanSpecInput> = {
    skipGuestConversion: !isConverted,
    retry: { maxRetries: 4, baseDelayMs: 50, maxDelayMs: 500 },
    ...(chance.once(2) ? { bandwidthLimit: (2 + chance.below(6)) * MiB } : {}),
    ...(chance.once(3) ? { verify: 'full' } : {}),
    ...(kind === 'lab warm'
      ? { type: 'warm', warm: { precopyIntervalMs: 100 + chance.below(600), cutover: { by: 'command' } } }
      : {}),
    shutdown: { timeLimitMs: 3000, then: 'force' },
  };
  const ends =
    kind === 'ova'
      ? { source: 'files', networkMapping: 'nets', storageMapping: 'disks' }
      : { source: 'lab', networkMapping: 'lab-nets', storageMapping: 'lab-disks' };
  const ref = kind === 'ova' ? 'ova' : name;
  const body = { name, target: 'out', ...ends, ...change, vms: [{ ref, targetName: name }] };
  const made = await askUntil(url, 'plans.create', {}, body);
  if (made.kind === 'refused' && !made.why.includes('LL-PLN-1'))
    throw new Error(`the plan was refused: ${made.why}`);
  const migration = await started(url, name);
  return {
    plan: name,
    name,
    kind,
    isConverted,
    labId,
    disks,
    wasOn,
    migration,
    acknowledged: new Set(),
    intruded: false,
  };
}

/** Faults of earlier VMs' times may still be felt: a start that is refused is asked for again. */
async function started(url: string, plan: string): Promise<string> {
  let why = '';
  for (let tries = 0; tries < 60; tries += 1) {
    const asked = await ask(url, 'plans.start', { plan });
    if (asked.kind === 'done') return asked.out.id;
    if (asked.kind === 'refused') why = asked.why;
    const known = await ask(url, 'migrations.list');
    const found =
      known.kind === 'done' ? known.out.items.find(({ planName }) => planName === plan) : undefined;
    if (found !== undefined) return found.id;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`plan ${plan} could not be started: ${why}`);
}

async function makeVm(
  { lab }: Session,
  chance: Chance,
  name: string,
  disks: number,
  isOn: boolean,
): Promise<string> {
  const id = await lab.createVm({
    name,
    nics: [{ id: 'nic-0', name: 'nic', network: 'VM Network' }],
    disks: Array.from({ length: disks }, (_, index) => ({
      id: `disk-${index}`,
      capacityBytes: (2 + chance.below(7)) * MiB,
      seed: chance.below(1000),
      unit: index,
    })),
    workload: { roundsPerSecond: 5 + chance.below(40), regionBytes: MiB },
    behaviour: {
      afterCrash: 'on',
      snapshotMs: chance.below(100),
      removeSnapshotMs: chance.below(200),
      shutdownMs: chance.below(200),
      ignoresShutdown: chance.once(10),
    },
  });
  if (isOn) await lab.power(id, 'on');
  return id;
}
