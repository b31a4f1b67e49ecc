import type { CommandContext } from '../log/event-writer.js';

/** `vm-{migration}-{n}`: one VM in one run. */
export const vmStream = (migrationId: string, vm: number): string => `vm-${migrationId}-${vm}`;

/** @returns migration and index of a VM's stream; undefined for any other stream */
export function vmOfStream(
  stream: string,
): { readonly migrationId: string; readonly vm: number } | undefined {
  const match = /^vm-(.+)-(\d+)$/.exec(stream);
  return match?.[1] === undefined ? undefined : { migrationId: match[1], vm: Number(match[2]) };
}

export const isVmStream = (stream: string): boolean => vmOfStream(stream) !== undefined;

const RUN = 'migration-';
/** `migration-{id}`: one run of a plan. */
export const runStream = (migrationId: string): string => RUN + migrationId;
export const isRunStream = (stream: string): boolean => stream.startsWith(RUN);
/** @param stream of a run */
export const migrationOfStream = (stream: string): string => stream.slice(RUN.length);

/** Records when no planner led. */
export const PLANNER_STREAM = 'planner';

/** The one stream on which admission is decided. */
export const SCHEDULE_STREAM = 'schedule';

/**
 * The context of commands that the planner gives by itself.
 *
 * @param stream that it changes; the correlation of a run and its VMs is the migration's id
 * @param causationId id of the event that led to it; the stream's name if there is none
 */
export const systemContext = (stream: string, causationId = stream): CommandContext => ({
  actor: { kind: 'system', name: 'planner', authenticatedBy: 'process' },
  causationId,
  correlationId:
    vmOfStream(stream)?.migrationId ?? (isRunStream(stream) ? migrationOfStream(stream) : stream),
});
