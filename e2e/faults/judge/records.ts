import { auditVerify, openLogForReading, type StoredEvent } from '@ledgerlift/event-log';
import { resourceKey, type Resource } from '@ledgerlift/contracts';
import { type Finding, found } from '../run/finding.js';

/** What the log says, read anew from its file or database. */
export interface Records {
  readonly all: readonly StoredEvent[];
  readonly findings: readonly Finding[];
}

export async function readRecords(place: string): Promise<Records> {
  const log = await openLogForReading(place);
  try {
    const { findings } = await auditVerify(log);
    const all = await Array.fromAsync(log.readAll());
    const ids = new Set(all.map(({ id }) => id));
    return {
      all,
      findings: [
        ...findings.map((each) => found('lost', `the hash chain is broken: ${JSON.stringify(each)}`)),
        ...(ids.size === all.length ? [] : [found('doubled', 'an event id is in the log twice')]),
      ],
    };
  } finally {
    await log.close();
  }
}

type Data = Readonly<Record<string, unknown>>;
export const dataOf = ({ data }: StoredEvent): Data => data as Data;

/** One VM's events, and what they amount to. */
export class VmRecords {
  constructor(readonly events: readonly StoredEvent[]) {}

  static of(records: Records, migration: string, vm: number): VmRecords {
    return new VmRecords(records.all.filter(({ stream }) => stream === `vm-${migration}-${vm}`));
  }

  of(type: string): readonly StoredEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  /** Events about one step. */
  step(type: string, step: string): readonly StoredEvent[] {
    return this.of(type).filter((event) => dataOf(event)['step'] === step);
  }

  /** Claimed and not released, by key. */
  get ledger(): ReadonlyMap<string, Resource> {
    const ledger = new Map<string, Resource>();
    for (const event of this.events) {
      const resource = dataOf(event)['resource'] as Resource | undefined;
      if (resource === undefined) continue;
      if (event.type === 'ResourceClaimed') ledger.set(resourceKey(resource), resource);
      if (event.type === 'ResourceReleased') ledger.delete(resourceKey(resource));
    }
    return ledger;
  }

  get end(): StoredEvent | undefined {
    return this.events.findLast(({ type }) => terminalTypes.has(type));
  }
}

export const terminalTypes: ReadonlySet<string> = new Set([
  'VmMigrationSucceeded',
  'VmMigrationFailed',
  'VmMigrationCanceled',
  'VmMigrationRolledBack',
]);
