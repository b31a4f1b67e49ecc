import type { Condition, InventoryProblem, MigrationType, ServiceName } from '@ledgerlift/contracts';
import { sourceProvider } from '@ledgerlift/providers';
import { isTarget } from '@ledgerlift/targets';
import { kindOfProvider } from '../../in-words.js';
import { condition, listed } from '../condition-types.js';
import type { PlanFacts, ProviderFacts } from '../plan-facts.js';

/** Checks that source and target exist, have the right type, and can be reached. */
export function checkProviders({ spec, source, target }: PlanFacts): readonly Condition[] {
  return [
    ...(source === undefined
      ? [
          condition('SourceProviderNotValid', 'NotFound', `there is no provider '${spec.source}'`, [
            spec.source,
          ]),
        ]
      : isTarget(source.spec)
        ? [
            condition(
              'SourceProviderNotValid',
              'NotASource',
              `'${source.spec.name}' is ${kindOfProvider(source.spec.type, 'target')}`,
              [source.spec.name],
            ),
          ]
        : notReady('SourceProviderNotReady', source)),
    ...(target === undefined
      ? [
          condition('DestinationProviderNotValid', 'NotFound', `there is no provider '${spec.target}'`, [
            spec.target,
          ]),
        ]
      : !isTarget(target.spec)
        ? [
            condition(
              'DestinationProviderNotValid',
              'NotATarget',
              `'${target.spec.name}' is ${kindOfProvider(target.spec.type, 'source')}`,
              [target.spec.name],
            ),
          ]
        : notReady('DestinationProviderNotReady', target)),
  ];
}

/** Whether a problem blocks every plan. Others are judged by what the plan needs. */
export const hinders = ({ category }: InventoryProblem): boolean => category !== 'Warn';

function notReady(
  type: 'SourceProviderNotReady' | 'DestinationProviderNotReady',
  { spec, problems }: ProviderFacts,
): readonly Condition[] {
  return problems
    .filter(hinders)
    .map(({ code, message }) => condition(type, code, `'${spec.name}': ${message}`, [spec.name]));
}

const whatItDoes: Readonly<Record<MigrationType, string>> = {
  cold: 'each VM is off while it is copied',
  warm: 'each VM is copied while it runs, and is off only for the last changes',
  conversion: 'disks that are already at the target are converted',
  live: 'each VM runs all the time',
};

/** Checks that the source supports the plan's type. */
export function checkMigrationType({ spec, source }: PlanFacts): readonly Condition[] {
  const provider = source && sourceProvider(source.spec.type);
  const types: readonly MigrationType[] = provider?.migrationTypes ?? [];
  if (provider === undefined || types.includes(spec.type)) return [];
  const possible = types.map((type) => `${type} (${whatItDoes[type]})`).join(' or ');
  const message = `${kindOfProvider(provider.type, 'source')} does not support plans of type '${spec.type}', only ${possible}`;
  return [condition('MigrationTypeNotValid', 'NotSupported', message, [spec.type])];
}

/** Conditions that the kind of source raises. */
export function checkOfSource({ source, ...facts }: PlanFacts): readonly Condition[] {
  if (source === undefined) return [];
  return sourceProvider(source.spec.type)?.planConditions?.({ ...facts, source }) ?? [];
}

/** Checks that some site reaches both source and target. */
export function checkSites({ source, target, site }: PlanFacts): readonly Condition[] {
  if (source === undefined || target === undefined || site !== undefined) return [];
  const [from, to] = [source.spec.sites.join(', '), target.spec.sites.join(', ')];
  const message = `'${source.spec.name}' is reached from ${from}, but '${target.spec.name}' from ${to}`;
  return [condition('NoCommonSite', 'NoSite', message, [source.spec.name, target.spec.name])];
}

/** Checks that the services that the plan needs answer, and that the converter can convert. */
export function checkWorkers({ spec, site, workers, pods }: PlanFacts): readonly Condition[] {
  if (site === undefined || workers === undefined) return [];
  const converts = !spec.skipGuestConversion && pods === 'not-needed';
  const needed: readonly ServiceName[] = [
    'transfer',
    'vm-creator',
    ...(converts ? ['converter' as const] : []),
  ];
  const missing = needed.filter((service) => !workers.connected.includes(service));
  const problems = converts ? (workers.conversionProblems ?? []) : [];
  return [
    ...missing.map((service) =>
      condition('WorkerNotConnected', 'NoAnswer', `no ${service} answers at site ${site}`, [service]),
    ),
    ...problems.map((problem) =>
      condition(
        'GuestConversionNotAvailable',
        'ToolMissing',
        `the converter at site ${site} reports: ${problem}`,
        ['converter'],
      ),
    ),
  ];
}

/** Checks that worker pods can get credentials of their own. */
export function checkPodCredentials({ pods, target }: PlanFacts): readonly Condition[] {
  if (pods !== 'without-credentials' || target === undefined) return [];
  const message =
    `'${target.spec.name}' is reached by worker pods, but the planner has no key to sign their credentials for NATS ` +
    '(LEDGERLIFT_NATS_SIGNING_SEED_FILE)';
  return [condition('PodCredentialsNotSetUp', 'NoSigningKey', message, [target.spec.name])];
}

/** Checks that the transfer workers have the folder from which hooks run their commands. */
export function checkHookFolder({ spec, site, workers }: PlanFacts): readonly Condition[] {
  const commands = spec.hooks.filter(({ run }) => run.kind === 'command').map(({ name }) => name);
  const hooks = workers?.transferTools?.['hooks'];
  if (site === undefined || commands.length === 0 || hooks === undefined || hooks.oldest !== undefined)
    return [];
  const message = `no transfer worker at site ${site} has a hooks folder, but ${listed(commands)} must be run from one`;
  return [condition('HookNotReady', 'NoFolder', message, commands)];
}
