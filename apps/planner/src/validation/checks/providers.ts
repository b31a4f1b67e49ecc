import type { Condition, InventoryProblem, MigrationType } from '@ledgerlift/contracts';
import { sourceProvider } from '@ledgerlift/providers';
import { isTarget } from '@ledgerlift/targets';
import { kindOfProvider } from '../../kind-of-provider.js';
import { condition } from '../condition-types.js';
import type { MappingFacts, PlanFacts, ProviderFacts } from '../plan-facts.js';

/** Source and target are there, of the right type, and can be reached. */
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

/** What does not hinder is judged with what the plan needs. */
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
  warm: 'each VM is copied while it runs, and off for the last changes only',
  conversion: 'disks that are at the target already are converted',
  live: 'each VM runs all the time',
};

/** The plan's way of migrating suits the source. */
export function checkMigrationType({ spec, source }: PlanFacts): readonly Condition[] {
  const provider = source && sourceProvider(source.spec.type);
  const types: readonly MigrationType[] = provider?.migrationTypes ?? [];
  if (provider === undefined || types.includes(spec.type)) return [];
  const possible = types.map((type) => `${type} (${whatItDoes[type]})`).join(' or ');
  const message = `${kindOfProvider(provider.type, 'source')} cannot be migrated ${spec.type}; possible is ${possible}`;
  return [condition('MigrationTypeNotValid', 'NotSupported', message, [spec.type])];
}

/** Both mappings are there, of the right kind, and between the plan's providers. */
export function checkMappings(facts: PlanFacts): readonly Condition[] {
  const { spec } = facts;
  return [
    ...checkMapping(facts, 'network', 'NetworkMapRefNotValid', spec.networkMapping, facts.networkMapping),
    ...(spec.storageMapping === undefined
      ? []
      : checkMapping(facts, 'storage', 'StorageRefNotValid', spec.storageMapping, facts.storageMapping)),
  ];
}

function checkMapping(
  { source, target }: PlanFacts,
  kind: 'network' | 'storage',
  type: 'NetworkMapRefNotValid' | 'StorageRefNotValid',
  ref: string,
  mapping: MappingFacts | undefined,
): readonly Condition[] {
  if (mapping === undefined) return [condition(type, 'NotFound', `there is no mapping '${ref}'`, [ref])];
  const { name } = mapping.spec;
  if (mapping.spec.kind !== kind)
    return [condition(type, 'WrongKind', `'${name}' is a ${mapping.spec.kind} mapping`, [name])];
  const isBetweenOthers =
    (source !== undefined && mapping.sourceId !== source.id) ||
    (target !== undefined && mapping.targetId !== target.id);
  if (!isBetweenOthers) return [];
  const message = `'${name}' is from '${mapping.spec.source}' to '${mapping.spec.target}', and the plan is not`;
  return [condition(type, 'OtherProviders', message, [name])];
}
