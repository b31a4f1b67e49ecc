import type { DomainEvent, VmRecord } from '@ledgerlift/contracts';

/**
 * What the VMs of a plan have in common, kept once. Each VM's events say all of it, so that each stream can be understood
 * alone; read back, ten thousand copies of one plan's settings would be most of the planner's memory.
 */
export class RecordPool {
  readonly #known = new Map<string, unknown>();

  /** The event, with the parts that were seen before in place of its own, equal ones. */
  shared(event: DomainEvent): DomainEvent {
    if (event.type === 'VmMigrationPlanned') {
      const { record, itinerary } = event.data;
      return { type: event.type, data: { record: this.#record(record), itinerary } };
    }
    if (event.type === 'RetryRequested' && event.data.record !== undefined)
      return { type: event.type, data: { ...event.data, record: this.#record(event.data.record) } };
    return event;
  }

  #record(record: VmRecord): VmRecord {
    const { source, target, settings, labels, expected } = record;
    const { vm } = source;
    return {
      ...record,
      source: {
        provider: this.#one(source.provider),
        vm: { ...vm, cpu: this.#one(vm.cpu), memory: this.#one(vm.memory), os: this.#one(vm.os) },
      },
      target: this.#one(target),
      settings: this.#one(settings),
      labels: this.#one(labels),
      ...(expected === undefined ? {} : { expected: this.#one(expected) }),
    };
  }

  #one<T>(part: T): T {
    const key = JSON.stringify(part);
    const known = this.#known.get(key);
    if (known !== undefined) return known as T;
    this.#known.set(key, part);
    return part;
  }
}
