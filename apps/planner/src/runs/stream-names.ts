/** `vm-{migration}-{n}`: one VM in one run. */
export const vmStream = (migrationId: string, vm: number): string => `vm-${migrationId}-${vm}`;

/** @returns migration and index of a VM's stream; undefined for any other stream */
export function vmOfStream(
  stream: string,
): { readonly migrationId: string; readonly vm: number } | undefined {
  const match = /^vm-(.+)-(\d+)$/.exec(stream);
  return match?.[1] === undefined ? undefined : { migrationId: match[1], vm: Number(match[2]) };
}

/** `migration-{id}`: one run of a plan. */
export const runStream = (migrationId: string): string => `migration-${migrationId}`;
export const isRunStream = (stream: string): boolean => stream.startsWith('migration-');

/** When no planner led. */
export const PLANNER_STREAM = 'planner';

/** The one stream on which admission is decided. */
export const SCHEDULE_STREAM = 'schedule';
