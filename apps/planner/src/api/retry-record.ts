import type { VmRecord } from '@ledgerlift/contracts';
import { whereOf } from '@ledgerlift/targets';
import { RetryWouldDiverge } from './errors.js';

/**
 * What must be now as it was at the start, for the itinerary is run as recorded and its resources are where they were
 * claimed. Everything else (networks, sizes of steps, retry policy, limits, sites) may have changed.
 */
const fixed: Readonly<Record<string, (record: VmRecord) => unknown>> = {
  target: ({ target }) => target.providerId,
  'target.settings': ({ target }) => whereOf(target),
  targetName: ({ targetName }) => targetName,
  targetNamespace: ({ targetNamespace }) => targetNamespace,
  source: ({ source }) => source.provider.id,
  disks: ({ disks }) => disks.map(({ diskId, name, format }) => `${diskId} → ${name} (${format})`),
  type: ({ settings }) => settings.type,
  hooks: ({ settings }) => settings.hooks.map(({ name, at, run }) => `${name} (${at}, ${run.kind})`),
  skipGuestConversion: ({ settings }) => settings.skipGuestConversion,
  bootProof: ({ settings }) => settings.bootProof,
};

/**
 * @param was the VM as its migration knows it
 * @param now the VM as the plan resolves it now
 * @returns what the retry goes on with
 * @throws RetryWouldDiverge
 */
export function retryRecord(was: VmRecord, now: Omit<VmRecord, 'migrationId' | 'index'>): VmRecord {
  // What was measured since says nothing new of the plan, and must not look like a change of it.
  const { expected: _, ...same } = now;
  const record = {
    ...same,
    ...(was.expected === undefined ? {} : { expected: was.expected }),
    ...(was.cutoverAwaits === undefined ? {} : { cutoverAwaits: was.cutoverAwaits }),
    ...(was.startedBy === undefined ? {} : { startedBy: was.startedBy }),
    migrationId: was.migrationId,
    index: was.index,
  };
  for (const [field, of] of Object.entries(fixed)) {
    const [before, after] = [JSON.stringify(of(was)), JSON.stringify(of(record))];
    if (before !== after) throw new RetryWouldDiverge(was.source.vm.name, field, before, after);
  }
  return record;
}
