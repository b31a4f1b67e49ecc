import type { Failure, HookSpec } from '@ledgerlift/contracts';
import type { Attempt } from '@ledgerlift/worker';

/** The most characters of a message in the environment. */
const MAX_CHARACTERS = 2000;

/** The input of a hook, as JSON: names and ids, but never a provider's settings. */
export function payloadOf({ job, ref }: Attempt, hook: HookSpec): object {
  const { record } = job;
  const { provider, vm } = record.source;
  const about = {
    hook: hook.name,
    moment: hook.at,
    scope: hook.scope,
    attempt: ref.attempt,
    migration: {
      id: record.migrationId,
      installation: record.installation,
      planId: record.planId,
      plan: record.planName,
      type: record.settings.type,
    },
  };
  if (record.standsFor === 'plan') {
    const { count, first = [] } = job.failures ?? {};
    const told = first.map(({ index, name, ...failure }) => ({ vm: { index, name }, ...cause(failure) }));
    return count === undefined ? about : { ...about, failed: count, failures: told };
  }
  const [failure] = job.failures?.first ?? [];
  return {
    ...about,
    ...(failure === undefined ? {} : { failure: cause(failure) }),
    vm: {
      index: record.index,
      id: vm.id,
      name: vm.name,
      path: vm.path,
      source: { id: provider.id, name: provider.spec.name, type: provider.spec.type },
      target: {
        id: record.target.providerId,
        provider: record.target.name,
        type: record.target.type,
        name: record.targetName,
        namespace: record.targetNamespace,
        folder: record.folder,
        disks: record.disks.map(({ diskId, name, pvcName }) => ({ diskId, name, pvcName })),
      },
    },
  };
}

const cause = ({ step, error }: Pick<Failure, 'step' | 'error'>): object => ({
  step,
  code: error.code,
  message: error.message,
  class: error.class,
});

/** The first failure as environment variables, for a command that does not read JSON. */
export function environmentOf({ job: { failures } }: Attempt): Readonly<Record<string, string>> {
  const [failure] = failures?.first ?? [];
  if (failures === undefined || failure === undefined) return {};
  return {
    LEDGERLIFT_FAILED_VMS: String(failures.count),
    LEDGERLIFT_FAILED_VM: oneLine(failure.name),
    LEDGERLIFT_FAILED_STEP: failure.step,
    LEDGERLIFT_FAILURE_CODE: failure.error.code,
    LEDGERLIFT_FAILURE_MESSAGE: oneLine(failure.error.message),
  };
}

/** An environment cannot contain NUL, and scripts that print the value expect a single line. */
const oneLine = (text: string): string =>
  printable(Buffer.from(text)).replaceAll(/\s+/g, ' ').slice(0, MAX_CHARACTERS);

/** Cleans hook output for logs and terminals. */

/**
 * Terminal sequences, control characters except line ends and tabs, and characters that change the reading direction.
 */
const UNPRINTABLE = /\u001b\[[0-9;?]*[ -/]*[@-~]|[^\P{Cc}\n\t]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

export const printable = (bytes: Buffer): string =>
  bytes.toString('utf8').toWellFormed().replaceAll(UNPRINTABLE, '');
