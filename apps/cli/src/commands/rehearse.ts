import type { Figure, Figures, Rehearsal } from '@ledgerlift/contracts';
import type { Command } from 'commander';
import { conditionLines } from '../terminal/pipeline.js';
import { bytes, duration, table } from '../terminal/table.js';
import { type CommandsContext, show } from './context.js';

/** `plan rehearse`: predicts a migration without starting it. */
export function rehearseCommand(plan: Command, context: CommandsContext): void {
  plan
    .command('rehearse')
    .argument('<plan>', 'name or id')
    .description("predict a migration's data volume, order, waits and duration")
    .option('--steps', 'also show the steps of each VM')
    .action(async (name: string, { steps }: { steps?: true }) => {
      const rehearsal = await context.api().call('plans.rehearse', { params: { plan: name } });
      show(context, rehearsal, (value) => lines(value, steps === true ? 'with-steps' : 'without').join('\n'));
      if (!rehearsal.ready) process.exitCode = 1;
    });
}

function lines(rehearsal: Rehearsal, steps: 'with-steps' | 'without'): readonly string[] {
  const { conditions, ready, vms, waves, total, figures, assumptions, at } = rehearsal;
  if (!ready || total === undefined || figures === undefined)
    return [...conditionLines(conditions), 'the plan cannot start'];
  const since = (time: string | undefined): string =>
    time === undefined ? 'never' : `+${seconds(Date.parse(time) - Date.parse(at))}`;
  const rows = vms
    .toSorted((one, other) => (one.order ?? Infinity) - (other.order ?? Infinity))
    .map((vm) => ({
      '#': String(vm.order ?? ''),
      vm: vm.name,
      wave: String(vm.wave),
      reads: `${vm.bytes.from === 'capacity' ? '≤ ' : ''}${bytes(vm.bytes.read)}`,
      begins: since(vm.forecast.beginsAt),
      ends: since(vm.forecast.endsAt),
      downtime: seconds(vm.forecast.downtimeMs),
      'waits for': vm.waitsFor.join('; '),
    }));
  return [
    ...conditionLines(conditions),
    table(rows, ['#', 'vm', 'wave', 'reads', 'begins', 'ends', 'downtime', 'waits for']),
    ...(steps === 'with-steps' ? stepLines(rehearsal) : []),
    ...(waves.length < 2
      ? []
      : waves.map(
          ({ wave, vms: count, startsBy, beginsAt, endsAt }) =>
            `wave ${wave}: ${count} VMs, ${since(beginsAt)} to ${since(endsAt)}, waits for ${startsBy}`,
        )),
    `${total.vms} VMs; ${bytes(total.bytesToRead)} of ${bytes(total.capacityBytes)} will be read` +
      (total.withoutExtents === 0
        ? ''
        : `, at most: the data of ${total.withoutExtents} VMs could not be measured`),
    total.durationMs === undefined
      ? 'it never ends: the limits allow nothing to run'
      : `it takes ${seconds(total.durationMs)}, and the longest downtime is ${seconds(total.longestDowntimeMs)}`,
    `estimated with ${figureWords(figures)}`,
    ...assumptions.map((assumption) => `assuming: ${assumption}`),
  ];
}

function stepLines({ vms }: Rehearsal): readonly string[] {
  return vms.map(({ name, steps }) => {
    const words = steps.map(({ step, part, hook }) =>
      [step, ...(hook === undefined ? [] : [hook]), ...(part === 'main' ? [] : [`(${part})`])].join(' '),
    );
    return `${name}: ${words.join(' → ')}`;
  });
}

function figureWords(figures: Figures): string {
  const entries: readonly (readonly [string, Figure, (value: number) => string])[] = [
    ['copying', figures.bytesPerSecond, (value) => `${bytes(Math.round(value))}/s`],
    ['shutdown', figures.shutdownMs, seconds],
    ['snapshots', figures.snapshotMs, seconds],
    ['conversion', figures.conversionMs, seconds],
    ['boot', figures.bootMs, seconds],
    ...Object.entries(figures.hooks).map(([name, figure]) => [`hook ${name}`, figure, seconds] as const),
    ['changes of', figures.changePerHour, (share) => `${Math.round(share * 1000) / 10} % an hour`],
  ];
  return entries
    .map(
      ([name, { value, measured }, words]) =>
        `${name} ${words(value)} (${measured === 0 ? 'assumed' : `measured ${measured} times`})`,
    )
    .join(', ');
}

const seconds = (ms: number): string => duration(ms / 1000);
