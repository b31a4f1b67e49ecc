import type { HookSpec } from '@ledgerlift/contracts';
import type { Attempt } from '@ledgerlift/messaging';

/** What a hook is told, as JSON: names and ids, never a setting of a provider. */
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
  if (record.standsFor === 'plan') return about;
  return {
    ...about,
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
