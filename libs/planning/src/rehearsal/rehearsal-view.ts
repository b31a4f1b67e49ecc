import type { Figures, PlanSpec, Rehearsal, RehearsedVm, VmRecord } from '@ledgerlift/contracts';
import { targetOf } from '@ledgerlift/targets';
import type { VmForecast } from './forecast.js';
import { type Other, type Simulated, waitsOf } from './simulate.js';

/** The findings about one VM. */
export interface RehearsedPart {
  readonly record: VmRecord;
  readonly bytes: RehearsedVm['bytes'];
  readonly forecast: VmForecast;
}

/** Facts common to all VMs. */
export interface RehearsedWith {
  readonly figures: Figures;
  readonly start: Date;
  /** VMs of other migrations that hold or want a slot. */
  readonly others: readonly Other[];
}

type View = Omit<Rehearsal, 'planId' | 'at' | 'ready' | 'conditions'>;

/** The API's view of the rehearsal of a plan that may start. */
export function rehearsalView(
  spec: PlanSpec,
  parts: readonly RehearsedPart[],
  simulated: readonly Simulated[],
  { figures, start, others }: RehearsedWith,
): View {
  const numbers = [...new Set(parts.map(({ record }) => record.wave ?? 1))].sort((one, other) => one - other);
  const startsBy = (wave: number): string | undefined => {
    const before = numbers[numbers.indexOf(wave) - 1];
    if (before === undefined) return undefined;
    const { startNext, minSucceededPercent } = spec.waves;
    return startNext === 'command'
      ? `an operator who starts wave ${wave}`
      : `${minSucceededPercent} % of wave ${before} to succeed`;
  };
  const vms = parts.map((part, index) =>
    vmView(spec, part, simulated[index] ?? never, startsBy(part.record.wave ?? 1)),
  );
  const ends = simulated.flatMap(({ endsAt }) => endsAt?.getTime() ?? []);
  const endsAt = ends.length === parts.length ? Math.max(start.getTime(), reduceMax(ends)) : undefined;
  const sum = (of: (vm: RehearsedVm) => number): number => vms.reduce((total, vm) => total + of(vm), 0);
  return {
    figures,
    assumptions: [...assumptionsOf(spec, parts, { figures, others })],
    waves: numbers.map((wave) =>
      waveView(
        wave,
        vms.filter((vm) => vm.wave === wave),
        startsBy(wave),
      ),
    ),
    vms,
    total: {
      vms: vms.length,
      capacityBytes: sum(({ bytes }) => bytes.capacity),
      bytesToRead: sum(({ bytes }) => bytes.read),
      withoutExtents: vms.filter(({ bytes }) => bytes.from === 'capacity').length,
      ...(endsAt === undefined
        ? {}
        : { durationMs: endsAt - start.getTime(), endsAt: new Date(endsAt).toISOString() }),
      longestDowntimeMs: reduceMax(vms.map(({ forecast }) => forecast.downtimeMs)),
    },
  };
}

const never: Simulated = { order: undefined, beginsAt: undefined, endsAt: undefined, waitedFor: undefined };
/** `Math.max` with ten thousand arguments comes close to the limit of the stack. */
const reduceMax = (numbers: readonly number[]): number =>
  numbers.reduce((most, each) => Math.max(most, each), 0);

function vmView(
  spec: PlanSpec,
  { record, bytes, forecast }: RehearsedPart,
  result: Simulated,
  before: string | undefined,
): RehearsedVm {
  const { order, beginsAt, endsAt } = result;
  const waits = waitsOf(record, result, before);
  return {
    index: record.index,
    sourceId: record.source.vm.id,
    name: record.source.vm.name,
    targetName: record.targetName,
    targetNamespace: record.targetNamespace,
    wave: record.wave ?? 1,
    priority: record.priority ?? spec.priority,
    ...(order === undefined ? {} : { order }),
    steps: targetOf(record.target.type)
      .itineraryFor(record)
      .map(({ step, part, hook }) => ({
        step,
        part,
        ...(hook === undefined ? {} : { hook }),
      })),
    waitsFor: [...waits],
    bytes,
    forecast: {
      ...(beginsAt === undefined ? {} : { beginsAt: beginsAt.toISOString() }),
      ...(endsAt === undefined ? {} : { endsAt: endsAt.toISOString() }),
      workMs: forecast.firstMs + (forecast.cutoverMs ?? 0),
      downtimeMs: forecast.downtimeMs,
      parts: forecast.parts,
    },
  };
}

function waveView(
  wave: number,
  vms: readonly RehearsedVm[],
  startsBy: string | undefined,
): Rehearsal['waves'][number] {
  const begins = vms.flatMap(({ forecast }) => forecast.beginsAt ?? []).sort();
  const ends = vms.flatMap(({ forecast }) => forecast.endsAt ?? []).sort();
  const [beginsAt, endsAt] = [begins[0], ends.at(-1)];
  return {
    wave,
    vms: vms.length,
    startsBy: startsBy ?? 'the start of the migration',
    ...(beginsAt === undefined ? {} : { beginsAt }),
    ...(endsAt === undefined || ends.length < vms.length ? {} : { endsAt }),
  };
}

function assumptionsOf(
  spec: PlanSpec,
  parts: readonly RehearsedPart[],
  { figures, others }: Omit<RehearsedWith, 'start'>,
): readonly string[] {
  const running = others.filter(({ slot }) => slot === 'held').length;
  const unmeasured = spec.hooks.filter(
    ({ name, at }) => at !== 'failure' && figures.hooks[name] === undefined,
  );
  const isWarm = spec.type === 'warm';
  const says = (is: boolean, words: string): readonly string[] => (is ? [words] : []);
  const byCommand = parts.some(({ record }) => record.settings.warm.cutover.by === 'command');
  return [
    'every VM succeeds at the first attempt',
    others.length === 0
      ? 'no other migration runs beside this one'
      : `of other migrations, only the ${running} running VMs and the ${others.length - running} that wait for a slot count`,
    ...says(spec.approve.start || (isWarm && spec.approve.cutover), 'every approval is given at once'),
    ...says(
      spec.waves.startNext === 'command',
      'an operator starts each wave as soon as the previous one has succeeded',
    ),
    ...says(
      unmeasured.length > 0,
      `hooks that were never measured take no time: ${unmeasured.map(({ name }) => name).join(', ')}`,
    ),
    ...says(isWarm && byCommand, 'an operator requests each cutover as soon as the initial copy is complete'),
    ...says(
      isWarm,
      'the last round begins one interval after the round before it; earlier rounds take no slot',
    ),
  ];
}
