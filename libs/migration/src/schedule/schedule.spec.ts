import { describe, expect, it } from '@jest/globals';
import { Schedule, type ScheduleEntry } from './schedule.js';

const entry = (vm: number, change: Partial<ScheduleEntry> = {}): ScheduleEntry => ({
  migrationId: 'm1',
  vm,
  planId: 'p1',
  priority: 50,
  maxConcurrent: 3,
  ...change,
});

function scheduleOf(entries: readonly ScheduleEntry[]): Schedule {
  const schedule = new Schedule();
  for (const each of entries) for (const event of schedule.enqueue(each)) schedule.apply(event);
  return schedule;
}

const admitted = (schedule: Schedule, limit = 100): number[] => {
  const events = schedule.admit(limit);
  for (const event of events) schedule.apply(event);
  return events.map(({ data }) => (data as { vm: number }).vm);
};

describe('the schedule', () => {
  it('admits as many VMs of a plan as the plan allows, in the order in which they came', () => {
    const schedule = scheduleOf([0, 1, 2, 3, 4].map((vm) => entry(vm)));
    expect(admitted(schedule)).toEqual([0, 1, 2]);
    expect(admitted(schedule)).toEqual([]);
    expect(schedule.reasonFor('m1', 3, 100)).toBe('a free place: 3 VMs of the plan run, its limit');
  });

  it('admits the next one when a place is free again', () => {
    const schedule = scheduleOf([0, 1, 2, 3].map((vm) => entry(vm)));
    admitted(schedule);
    for (const event of schedule.release('m1', 1)) schedule.apply(event);
    expect(admitted(schedule)).toEqual([3]);
  });

  it('takes the higher priority first', () => {
    expect(admitted(scheduleOf([entry(0), entry(1, { priority: 90 })]), 1)).toEqual([1]);
  });

  it('lets another plan pass one that is at its limit, and holds the global limit over all', () => {
    const schedule = scheduleOf([
      entry(0, { maxConcurrent: 1 }),
      entry(1, { maxConcurrent: 1 }),
      entry(2, { planId: 'p2' }),
      entry(3, { planId: 'p2' }),
    ]);
    expect(admitted(schedule, 2)).toEqual([0, 2]);
    expect(schedule.reasonFor('m1', 3, 2)).toBe('a free place: 2 VMs run, the global limit');
  });

  it('neither enqueues nor releases twice', () => {
    const schedule = scheduleOf([entry(0)]);
    expect(schedule.enqueue(entry(0))).toEqual([]);
    for (const event of schedule.release('m1', 0)) schedule.apply(event);
    expect(schedule.release('m1', 0)).toEqual([]);
  });
});
