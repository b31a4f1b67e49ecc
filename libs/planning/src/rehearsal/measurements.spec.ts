import { describe, expect, it } from '@jest/globals';
import { type StepResult, VmRecord, VmSettings, eventSchemas } from '@ledgerlift/contracts';
import type { StoredEvent } from '@ledgerlift/event-log';
import { assumed } from '@ledgerlift/migration';
import { factsWith, vm } from '../validation/spec/facts.js';
import { resolvePlan } from '../validation/resolve-plan.js';
import { forecastVm } from './forecast.js';
import { Measurements, Samples } from './measurements.js';

const record = VmRecord.parse({
  ...resolvePlan(factsWith([vm()]), 'lab', [])?.vms[0],
  migrationId: 'm1',
  index: 0,
});
const running = { ...record, source: { ...record.source, vm: vm({ powerState: 'on' }) } };
const [disk] = record.source.vm.disks;
const begin = Date.parse('2026-11-23T12:00:00Z');

/** A log in which VMs of the source `src` are migrated. */
class Told {
  readonly measurements = new Measurements();
  #revision = 0;

  happens(type: keyof typeof eventSchemas, data: object, ms = 0, stream = 'vm-m1-0'): this {
    this.#revision += 1;
    const time = new Date(begin + ms).toISOString();
    const event = { stream, type, version: eventSchemas[type].version, data, time, revision: this.#revision };
    this.measurements.apply(event as unknown as StoredEvent);
    return this;
  }
  planned(stream?: string): this {
    return this.happens('VmMigrationPlanned', { record, itinerary: [] }, 0, stream);
  }
  took(
    ms: number,
    result: { readonly step: string; readonly [field: string]: unknown },
    stream?: string,
  ): this {
    const of = { step: result.step, attempt: 1 };
    return this.happens('StepStarted', { ...of, worker: 'w' }, 0, stream).happens(
      'StepCompleted',
      { ...of, report: 1, result },
      ms,
      stream,
    );
  }
}

const copied = (bytesRead: number, kind = 'cold') => ({
  step: 'DiskTransfer' as const,
  pass: { kind, round: 0 },
  disks: [{ diskId: disk?.id, bytesRead }],
});
const shutDown = { step: 'SourcePowerOff', momentId: 'x', how: 'shut-down' } satisfies StepResult;
/** All steps of one migration, and how long each took. */
const migrated = (told: Told, stream?: string): Told =>
  told
    .planned(stream)
    .took(8000, shutDown, stream)
    .took(10_000, copied(500_000_000), stream)
    .took(60_000, { step: 'ImageConversion' }, stream)
    .took(4000, { step: 'ImageCommit' }, stream)
    .took(9000, { step: 'BootProof', booted: true, seconds: 6 }, stream);

describe('the duration of steps', () => {
  it('is assumed until measured', () => {
    const measurements = new Measurements();
    expect(measurements.expected('src')).toBeUndefined();
    expect(measurements.figures('src')).toMatchObject({
      bytesPerSecond: { value: assumed.bytesPerSecond, measured: 0 },
      conversionMs: { value: assumed.conversionMs, measured: 0 },
    });
  });

  it('is learned from completed steps, for that source only', () => {
    const { measurements } = migrated(new Told());
    expect(measurements.figures('src')).toEqual({
      shutdownMs: { value: 8000, measured: 1 },
      snapshotMs: { value: assumed.snapshotMs, measured: 0 },
      bytesPerSecond: { value: 50_000_000, measured: 1 },
      conversionMs: { value: 64_000, measured: 1 },
      bootMs: { value: 6000, measured: 1 },
      changePerHour: { value: 0.01, measured: 0 },
      hooks: {},
    });
    expect(measurements.expected('src')).toMatchObject({ bytesPerSecond: 50_000_000, measured: 1 });
    expect(measurements.expected('other')).toBeUndefined();
  });

  it('is not learned from steps that show nothing about it', () => {
    const told = new Told().planned();
    told
      .took(5, { ...shutDown, how: 'was-off' })
      .took(10, copied(1_000_000))
      .took(9000, copied(10, 'delta'));
    told.took(60_000, { step: 'BootProof', booted: false, seconds: 60 });
    expect(told.measurements.expected('src')).toBeUndefined();
  });

  it('comes with the hourly rate of change in a warm migration', () => {
    const snapshot = (createdAt: string) => ({ step: 'SnapshotCreation', snapshot: { createdAt } });
    const told = new Told().planned();
    told.took(3000, snapshot('2026-11-23T12:00:00Z')).took(10_000, copied(1_000_000_000, 'full'));
    told.took(1000, { step: 'SnapshotRemoval', removed: [] }).took(5000, snapshot('2026-11-23T14:00:00Z'));
    told.took(1000, copied(50_000_000, 'delta'));
    expect(told.measurements.figures('src')).toMatchObject({
      changePerHour: { value: 0.025, measured: 1 },
      bytesPerSecond: { value: 100_000_000, measured: 1 },
      snapshotMs: { value: 5000, measured: 2 },
    });
  });

  it('is learned neither from a failed attempt nor from a report of another one', () => {
    const told = new Told().planned();
    const of = { step: 'ImageCommit', attempt: 1 };
    told.happens('StepStarted', { ...of, worker: 'w' }).happens('StepFailed', { ...of, report: 1 }, 5000);
    told.happens('StepCompleted', { ...of, report: 2, result: { step: 'ImageCommit', disks: [] } }, 6000);
    told.happens('StepStarted', { ...of, attempt: 2, worker: 'w' }, 6000);
    told.happens('StepCompleted', { ...of, report: 3, result: { step: 'ImageCommit', disks: [] } }, 7000);
    expect(told.measurements.expected('src')).toBeUndefined();
  });

  it('is the median of the last fifty, which one very slow step does not move', () => {
    const samples = new Samples();
    for (let value = 1; value <= 60; value += 1) samples.add('x', value);
    expect(samples.count('x')).toBe(50);
    expect(samples.median('x')).toBe(35.5);
    samples.add('x', 1_000_000);
    expect(samples.median('x')).toBe(36.5);
    expect(samples.median('y')).toBeUndefined();
  });
});

describe("a second migration's forecast", () => {
  const bytes = 1_000_000_000;
  const told = migrated(new Told());
  const before = forecastVm(running, bytes, new Measurements().figures('src'));
  const after = forecastVm(running, bytes, told.measurements.figures('src'));

  it("uses the first one's figures", () => {
    expect(before.parts).toMatchObject({
      shutdownMs: 30_000,
      copyMs: 10_000,
      conversionMs: 180_000,
      bootMs: 30_000,
    });
    expect(after.parts).toMatchObject({
      shutdownMs: 8000,
      copyMs: 20_000,
      conversionMs: 64_000,
      bootMs: 6000,
    });
    expect([before.downtimeMs, after.downtimeMs]).toEqual([250_000, 98_000]);
  });

  it('is in the records of its VMs, for the forecasts while it runs', () => {
    const facts = { ...factsWith([vm()]), expected: told.measurements.expected('src') };
    expect(resolvePlan(facts, 'lab', [])?.vms[0]?.expected).toEqual({
      shutdownMs: 8000,
      snapshotMs: 5000,
      bytesPerSecond: 50_000_000,
      conversionMs: 64_000,
      bootMs: 6000,
      measured: 1,
    });
  });
});

describe('a forecast', () => {
  const figures = new Measurements().figures('src');
  const settings = (change: object) => VmSettings.parse(change);

  it('of a VM that is off has no downtime, and no boot if none is requested', () => {
    expect(forecastVm(record, 0, figures)).toMatchObject({
      downtimeMs: 0,
      firstMs: 180_000,
      cutoverMs: undefined,
    });
  });

  it('of a warm VM counts the last delta as downtime, not the initial copy', () => {
    const warm = { ...running, settings: settings({ type: 'warm', skipGuestConversion: true }) };
    expect(forecastVm(warm, 10_000_000_000, figures)).toMatchObject({
      firstMs: 105_000,
      cutoverMs: 66_000,
      downtimeMs: 66_000,
      parts: { copyMs: 100_000, deltaMs: 1000, conversionMs: 0 },
    });
  });

  it('copies no faster than allowed', () => {
    const limited = { ...record, settings: settings({ bandwidthLimit: 50_000_000 }) };
    expect(forecastVm(limited, 100_000_000, figures).parts.copyMs).toBe(2000);
    expect(forecastVm(limited, 100_000_000, figures, 10_000_000).parts.copyMs).toBe(10_000);
  });
});
