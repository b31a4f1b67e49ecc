import type { VmRecord } from '@ledgerlift/contracts';
import { z } from 'zod';
import { NotOurs } from '../errors.js';
import { labelsOf } from '../vm-model/index.js';
import type { Guard } from '../workplace.js';
import { type ApiResource, described } from './resources.js';
import type { KubernetesConnection } from './connection.js';

/** One VM's migration at work in a cluster. */
export interface AtCluster {
  readonly connection: KubernetesConnection;
  readonly record: VmRecord;
  readonly guard: Guard;
}

/** The labels of `labelsOf` that identify the objects of one VM's migration. */
const OWNER_LABELS = ['ledgerlift.io/installation', 'ledgerlift.io/migration', 'ledgerlift.io/vm'] as const;

/** The metadata that we read of every object. */
export const ObjectMetadata = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  uid: z.string(),
  resourceVersion: z.string(),
  creationTimestamp: z.string().default(''),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  ownerReferences: z
    .array(z.looseObject({ kind: z.string(), name: z.string(), uid: z.string() }))
    .default([]),
});
export type ObjectMetadata = z.infer<typeof ObjectMetadata>;

interface Labelled {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
}

/** Returns the labels and annotations for all objects that we create for a record's VM. */
export const ownLabels = (record: VmRecord): ReturnType<typeof labelsOf> =>
  labelsOf({
    labels: record.labels,
    origin: {
      installation: record.installation,
      migration: record.migrationId,
      plan: record.planName,
      vm: record.index,
      sourceName: record.source.vm.name,
    },
  });

/** Returns a label selector for exactly the objects of one VM's migration. */
export function ownSelector(record: VmRecord): string {
  const { labels } = ownLabels(record);
  return OWNER_LABELS.map((label) => `${label}=${labels[label] ?? ''}`).join(',');
}

/** Whether this VM's migration created the object. */
export function isOurs({ metadata }: Labelled, record: VmRecord): boolean {
  const { labels } = ownLabels(record);
  return OWNER_LABELS.every((label) => metadata.labels[label] === labels[label]);
}

/** Describes an object's owner, without a full stop: `it is managed by "Helm"`. */
export function describeOwner({ metadata: { labels } }: Labelled): string {
  const [installation, migration, vm] = OWNER_LABELS.map((label) => labels[label]);
  if (installation !== undefined && migration !== undefined)
    return `it belongs to VM ${vm ?? '?'} of the migration "${migration}" of the installation "${installation}"`;
  const manager = labels['app.kubernetes.io/managed-by'];
  return manager === undefined ? 'it has no labels of a migration' : `it is managed by "${manager}"`;
}

/** @throws NotOurs, naming the object and its owner */
export function assertOurs(
  kind: ApiResource,
  object: Labelled & { readonly metadata: { readonly name: string; readonly namespace: string } },
  record: VmRecord,
): void {
  if (isOurs(object, record)) return;
  const { name, namespace } = object.metadata;
  throw new NotOurs(described(kind, { name, namespace }), describeOwner(object));
}
