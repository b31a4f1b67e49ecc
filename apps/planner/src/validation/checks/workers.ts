import type { Condition, ServiceName } from '@ledgerlift/contracts';
import { condition, listed } from '../condition-types.js';
import type { PlanFacts } from '../plan-facts.js';

/** Some site reaches both source and target. */
export function checkSites({ source, target, site }: PlanFacts): readonly Condition[] {
  if (source === undefined || target === undefined || site !== undefined) return [];
  const [from, to] = [source.spec.sites.join(', '), target.spec.sites.join(', ')];
  const message = `'${source.spec.name}' is reached from ${from}, and '${target.spec.name}' from ${to}`;
  return [condition('NoCommonSite', 'NoSite', message, [source.spec.name, target.spec.name])];
}

/** The services that the plan needs answer, and the converter can convert. */
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
        `the converter at site ${site} says: ${problem}`,
        ['converter'],
      ),
    ),
  ];
}

/** Worker pods can be given credentials of their own. */
export function checkPodCredentials({ pods, target }: PlanFacts): readonly Condition[] {
  if (pods !== 'without-credentials' || target === undefined) return [];
  const message =
    `'${target.spec.name}' is reached by worker pods, and the planner has no key to sign their credentials for NATS ` +
    '(LEDGERLIFT_NATS_SIGNING_SEED_FILE)';
  return [condition('PodCredentialsNotSetUp', 'NoSigningKey', message, [target.spec.name])];
}

/** Commands that hooks run lie in a folder of the transfer workers. */
export function checkHookFolder({ spec, site, workers }: PlanFacts): readonly Condition[] {
  const commands = spec.hooks.filter(({ run }) => run.kind === 'command').map(({ name }) => name);
  const hooks = workers?.transferTools?.['hooks'];
  if (site === undefined || commands.length === 0 || hooks === undefined || hooks.oldest !== undefined)
    return [];
  const message = `no transfer worker at site ${site} has a folder of hooks, and ${listed(commands)} are run from one`;
  return [condition('HookNotReady', 'NoFolder', message, commands)];
}
