import type { Condition, MigrationView, VmView } from '@ledgerlift/contracts';
import { bar, bytes, duration, table } from './table.js';

type Step = VmView['pipeline'][number];

const marks: Readonly<Record<Step['status'], string>> = {
  Pending: '·',
  Requested: '…',
  Running: '▶',
  Waiting: '⏳',
  Completed: '✔',
  Failed: '✘',
  Canceled: '■',
};
const BAR_WIDTH = 24;

/** The live view of one VM: one line per step, with bars for bytes. */
export function pipelineLines(vm: VmView, now: number): readonly string[] {
  const title = `${vm.name} → ${vm.targetNamespace}/${vm.targetName}  ${vm.state}  ${bar(vm.progressPercent / 100, BAR_WIDTH)} ${vm.progressPercent} %`;
  return [title, ...vm.pipeline.map((step) => `  ${stepLine(step, now)}`)];
}

function stepLine(step: Step, now: number): string {
  const begun = step.startedAt === undefined ? undefined : Date.parse(step.startedAt);
  const ended = step.completedAt === undefined ? now : Date.parse(step.completedAt);
  const time = begun === undefined ? '' : duration((ended - begun) / 1000);
  const tries = step.attempts > 1 ? ` (attempt ${step.attempts})` : '';
  return `${marks[step.status]} ${step.step.padEnd(23)} ${time.padStart(6)}${tries}${detail(step)}`;
}

function detail(step: Step): string {
  if (step.status === 'Failed' && step.error !== undefined)
    return `  ${step.error.code} ${step.error.message}`;
  if (step.waitingFor !== undefined && step.status !== 'Running') return `  waits for ${step.waitingFor}`;
  if (step.status !== 'Running') return '';
  const measured = step.progress.filter(({ total }) => total > 0);
  const bars = measured.map(({ name, done, total, unit }) =>
    unit === 'bytes'
      ? `${name} ${bar(done / total, BAR_WIDTH)} ${bytes(done)} of ${bytes(total)}`
      : `${bar(done / total, BAR_WIDTH)} ${Math.round((100 * done) / total)} %`,
  );
  return `  ${[...bars, ...(step.message === undefined ? [] : [step.message])].join('  ')}`;
}

/** A step may occur several times in the pipeline, so steps match by name and occurrence. */
function sameLine(before: VmView, { pipeline }: VmView, index: number): Step | undefined {
  const name = pipeline[index]?.step;
  const number = pipeline.slice(0, index).filter(({ step }) => step === name).length;
  return before.pipeline.filter(({ step }) => step === name)[number];
}

/** Output without a terminal: one plain line per change. */
export function changedLines(before: VmView | undefined, vm: VmView): readonly string[] {
  const lines = vm.pipeline.flatMap((step, index) => {
    const earlier = before && sameLine(before, vm, index);
    if (earlier?.status === step.status && earlier.attempts === step.attempts) return [];
    if (step.status === 'Pending') return [];
    const error =
      step.error === undefined || step.status === 'Completed'
        ? ''
        : `: ${step.error.code} ${step.error.message}`;
    return [`${vm.targetName}  ${step.step} ${step.status.toLowerCase()}${error}`];
  });
  return before?.state === vm.state ? lines : [...lines, `${vm.targetName}  ${vm.state}`];
}

/** Lists the plan's own hooks in a migration, and the commands for those that wait for an operator. */
export function hookLines({ id, hooks }: Pick<MigrationView, 'id' | 'hooks'>): string {
  if (hooks.length === 0) return '';
  const rows = hooks.map(({ index, name, at, state, kind, waitingFor, error, said }) => ({
    hook: String(index),
    name,
    at,
    state,
    by: kind,
    says:
      waitingFor ??
      (error === undefined ? (said ?? '').trim().split('\n').at(-1) : `${error.code} ${error.message}`) ??
      '',
  }));
  const open = hooks.flatMap((hook) => todo(id, hook));
  return [table(rows, ['hook', 'name', 'at', 'state', 'by', 'says']), ...open].join('\n');
}

function todo(id: string, { index, name, kind, state }: MigrationView['hooks'][number]): readonly string[] {
  if (kind === 'event' && state === 'running') return [`ledgerlift answer-hook ${id}/${index} ${name}`];
  return state === 'failed' || state === 'held' ? [`ledgerlift retry ${id}/${index}`] : [];
}

/** One line per condition, most severe first. */
export function conditionLines(conditions: readonly Condition[]): readonly string[] {
  const order = ['Critical', 'Error', 'Warn', 'Advisory'];
  return conditions
    .toSorted((a, b) => order.indexOf(a.category) - order.indexOf(b.category))
    .map(({ category, type, message }) => `${category.padEnd(8)}  ${type}: ${message}`);
}
