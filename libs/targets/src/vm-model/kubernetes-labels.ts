import { isLabelKey, isLabelValue } from '@ledgerlift/contracts';
import type { TargetVm } from './target-vm.js';

/**
 * Labels that KubeVirt itself sets; it refuses a VM whose template has one of them
 * (kubevirt.io/kubevirt v1.8.0, vmi-create-admitter.go, restrictedVmiLabels).
 */
const RESERVED: ReadonlySet<string> = new Set(
  [
    ...['created-by', 'migrationJobUID', 'nodeName', 'migrationTargetNodeName', 'schedulable'],
    'install-strategy',
  ].map((name) => `kubevirt.io/${name}`),
);

/** Limits the name, because a hostile package could exceed the 256 KiB that an object's annotations may have in total. */
const SOURCE_NAME_LENGTH = 1024;

export interface Labels {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Returns the labels for all objects of a VM. Moves user labels that Kubernetes or KubeVirt would refuse into an annotation, so that
 * `kubectl apply` works and nothing is lost. Our labels override the user's.
 */
export function labelsOf({ labels, origin }: Pick<TargetVm, 'labels' | 'origin'>): Labels {
  const isValid = ([key, value]: readonly [string, string]): boolean =>
    isLabelKey(key) && isLabelValue(value) && !RESERVED.has(key);
  const refused = Object.entries(labels).filter((label) => !isValid(label));
  return {
    labels: {
      ...Object.fromEntries(Object.entries(labels).filter(isValid)),
      'app.kubernetes.io/managed-by': 'ledgerlift',
      'ledgerlift.io/installation': labelValue(origin.installation),
      'ledgerlift.io/migration': labelValue(origin.migration),
      'ledgerlift.io/plan': labelValue(origin.plan),
      'ledgerlift.io/vm': String(origin.vm),
    },
    annotations: {
      'ledgerlift.io/source-name': origin.sourceName.slice(0, SOURCE_NAME_LENGTH).toWellFormed(),
      ...(refused.length === 0
        ? {}
        : { 'ledgerlift.io/refused-labels': JSON.stringify(Object.fromEntries(refused)) }),
    },
  };
}

/**
 * Returns the annotations of the VM: the user's and ours. Moves user annotations that Kubernetes would refuse, or that only Ledgerlift
 * may write, into one of ours.
 */
export function annotationsOf(
  vm: Pick<TargetVm, 'labels' | 'annotations' | 'origin'>,
): Labels['annotations'] {
  const isValid = ([key]: readonly [string, string]): boolean =>
    isLabelKey(key) && !key.startsWith('ledgerlift.io/');
  const all = Object.entries(vm.annotations);
  const refused = all.filter((each) => !isValid(each));
  return {
    ...Object.fromEntries(all.filter(isValid)),
    ...labelsOf(vm).annotations,
    ...(refused.length === 0
      ? {}
      : { 'ledgerlift.io/refused-annotations': JSON.stringify(Object.fromEntries(refused)) }),
  };
}

/** Returns the most similar valid label value. */
export const labelValue = (text: string): string =>
  text
    .replace(/[^-A-Za-z0-9_.]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63)
    .replace(/[^A-Za-z0-9]+$/, '');
