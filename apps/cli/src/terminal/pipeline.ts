import type { VmView } from '@ledgerlift/contracts';
import { bar, bytes, duration } from './quantities.js';

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

/** The live picture of one VM: a line a step, with bars where there are bytes. */
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

/** A step may stand in the pipeline several times: the same one is that with as many of its name before it. */
function sameLine(before: VmView, { pipeline }: VmView, index: number): Step | undefined {
  const name = pipeline[index]?.step;
  const number = pipeline.slice(0, index).filter(({ step }) => step === name).length;
  return before.pipeline.filter(({ step }) => step === name)[number];
}

/** For where there is no terminal: one plain line for each thing that changed. */
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
