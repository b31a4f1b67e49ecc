import {
  type ConditionCatalogue,
  ExtensionNotLoaded,
  type ExtensionType,
  type ProviderSpec,
  type TargetRecord,
  isExtension,
} from '@ledgerlift/contracts';
import { sharedConditionTypes } from './conditions.js';
import { directoryTarget } from './directory/index.js';
import { kubevirtTarget } from './kubevirt/index.js';
import type { ExtensionTarget, Target, TargetRole, TargetType } from './port.js';

/** Every target that is part of this product. To add one, create a folder and add a line here. */
const builtIn: Readonly<Record<Exclude<TargetType, ExtensionType>, Target>> = {
  directory: directoryTarget,
  kubevirt: kubevirtTarget,
};
const extensions = new Map<ExtensionType, ExtensionTarget>();

/** Adds an extension's target, replacing any of the same type. */
export function registerTarget(target: ExtensionTarget): void {
  extensions.set(target.type, target);
}

/** Returns the target of a type. @throws ExtensionNotLoaded */
export function targetOf(type: TargetType): Target {
  const found = isExtension(type) ? extensions.get(type) : builtIn[type];
  if (found === undefined) throw new ExtensionNotLoaded(type as ExtensionType);
  return found;
}

/** Returns an extension's target; undefined if this service has not loaded it. */
export const extensionTarget = (type: ExtensionType): ExtensionTarget | undefined => extensions.get(type);

/** Tells users where a recorded target is. Falls back to its name if its extension is no longer loaded. */
export function whereOf({ type, where, name, ...target }: TargetRecord): string {
  if (where !== undefined) return where;
  const kind = isExtension(type) ? extensions.get(type) : builtIn[type];
  return kind?.where(target) ?? name;
}

export type TargetSpec = Extract<ProviderSpec, { type: TargetType }>;

/** Whether a provider is a target rather than a source. */
export const isTarget = (spec: ProviderSpec): spec is TargetSpec =>
  isExtension(spec.type) ? extensions.has(spec.type) : Object.hasOwn(builtIn, spec.type);

/** Lists the kinds of targets whose accounts need a role. */
export const targetRoles = (): readonly { readonly type: TargetType; readonly role: TargetRole }[] =>
  Object.values(builtIn).flatMap(({ type, role }) => (role === undefined ? [] : [{ type, role }]));

/** Closes the connections of all targets. Call it when the process ends. */
export async function closeTargets(): Promise<void> {
  for (const target of [...Object.values(builtIn), ...extensions.values()]) await target.close?.();
}

/** Returns every condition type that targets raise. */
export const targetConditionTypes = (): ConditionCatalogue =>
  Object.assign(
    {},
    sharedConditionTypes,
    ...[...Object.values(builtIn), ...extensions.values()].map(({ conditionTypes }) => conditionTypes),
  );
