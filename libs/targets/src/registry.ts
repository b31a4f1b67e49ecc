import {
  type ConditionCatalogue,
  ExtensionNotLoaded,
  type ExtensionType,
  type ProviderSpec,
  type TargetRecord,
  isExtension,
} from '@ledgerlift/contracts';
import { sharedConditionTypes } from './conditions/types.js';
import { directoryTarget } from './directory/index.js';
import { kubevirtTarget } from './kubevirt/index.js';
import type { ExtensionTarget, Target, TargetRole, TargetType } from './port.js';

/** Every target that is part of this product. A new one is a folder and a line here. */
const builtIn: Readonly<Record<Exclude<TargetType, ExtensionType>, Target>> = {
  directory: directoryTarget,
  kubevirt: kubevirtTarget,
};
const extensions = new Map<ExtensionType, ExtensionTarget>();

/** Has a target from now on that is not built in; one of the same type is replaced. */
export function registerTarget(target: ExtensionTarget): void {
  extensions.set(target.type, target);
}

/** @throws ExtensionNotLoaded */
export function targetOf(type: TargetType): Target {
  const found = isExtension(type) ? extensions.get(type) : builtIn[type];
  if (found === undefined) throw new ExtensionNotLoaded(type as ExtensionType);
  return found;
}

/** The target of an extension that this service has. */
export const extensionTarget = (type: ExtensionType): ExtensionTarget | undefined => extensions.get(type);

/** Where users find a recorded target: its name, where its kind is not there any more and its record does not say. */
export function whereOf({ type, where, name, ...target }: TargetRecord): string {
  if (where !== undefined) return where;
  const kind = isExtension(type) ? extensions.get(type) : builtIn[type];
  return kind?.where(target) ?? name;
}

export type TargetSpec = Extract<ProviderSpec, { type: TargetType }>;

/** Whether a provider is a target, and not a source. */
export const isTarget = (spec: ProviderSpec): spec is TargetSpec =>
  isExtension(spec.type) ? extensions.has(spec.type) : Object.hasOwn(builtIn, spec.type);

/** Each kind of target that an account needs a role for. */
export const targetRoles = (): readonly { readonly type: TargetType; readonly role: TargetRole }[] =>
  Object.values(builtIn).flatMap(({ type, role }) => (role === undefined ? [] : [{ type, role }]));

/** Ends what the targets keep open: for the end of a process. */
export async function closeTargets(): Promise<void> {
  for (const target of [...Object.values(builtIn), ...extensions.values()]) await target.close?.();
}

/** Every condition that a target raises. */
export const targetConditionTypes = (): ConditionCatalogue =>
  Object.assign(
    {},
    sharedConditionTypes,
    ...[...Object.values(builtIn), ...extensions.values()].map(({ conditionTypes }) => conditionTypes),
  );
