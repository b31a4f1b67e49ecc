import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { helmProgram, type Kubernetes, type KubernetesObject } from '@ledgerlift/testing';
import { parseAllDocuments, stringify } from 'yaml';

const CHART = join(import.meta.dirname, '..', '..', '..', '..', '..', 'deploy', 'helm', 'ledgerlift');
// Helm takes another for the server's where it asks no server.
const KUBERNETES = '1.34.4';

/** What Helm printed, and its exit status. */
export interface HelmRun {
  readonly status: number | null;
  readonly printed: string;
  readonly errors: string;
}

/** Runs Helm with these values on its standard input: give `-f -`. */
export async function helm(args: readonly string[], values: object = {}): Promise<HelmRun> {
  const child = spawn(helmProgram(), args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(stringify(values));
  const [printed, errors, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { printed, errors, status: status as number | null };
}

export const lint = (values: object): Promise<HelmRun> =>
  helm(['lint', '--strict', CHART, '-f', '-'], values);

export const template = (
  values: object,
  namespace = 'ledgerlift',
  release = 'ledgerlift',
): Promise<HelmRun> =>
  helm(
    ['template', release, CHART, '--namespace', namespace, '--kube-version', KUBERNETES, '-f', '-'],
    values,
  );

export const install = (values: object, namespace: string, kubeconfig: string): Promise<HelmRun> =>
  helm(
    ['install', 'ledgerlift', CHART, '--namespace', namespace, '--kubeconfig', kubeconfig, '-f', '-'],
    values,
  );

/** An object of the chart. */
export type Rendered = KubernetesObject & { readonly kind: string; readonly apiVersion: string };

/** @throws Error with what Helm said where it refuses the values */
export async function rendered(
  values: object,
  namespace?: string,
  release?: string,
): Promise<readonly Rendered[]> {
  const { status, printed, errors } = await template(values, namespace, release);
  if (status !== 0) throw new Error(errors);
  return parseAllDocuments(printed)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}

export const ofKind = (objects: readonly Rendered[], kind: string): readonly Rendered[] =>
  objects.filter((object) => object.kind === kind);

const CLUSTERWIDE = ['ClusterRole', 'ClusterRoleBinding'];
const PLURALS: Readonly<Record<string, string>> = { NetworkPolicy: 'networkpolicies' };

/** Where an object is, such as `/apis/apps/v1/namespaces/ledgerlift/deployments/x`. */
export function pathOf({ apiVersion, kind, metadata }: Rendered, release: string): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = CLUSTERWIDE.includes(kind) ? '' : `/namespaces/${metadata.namespace ?? release}`;
  return `${group}${scope}/${PLURALS[kind] ?? `${kind.toLowerCase()}s`}/${metadata.name}`;
}

/** Server-side apply with strict validation: a field that Kubernetes does not know is refused. */
export async function apply(
  kubernetes: Kubernetes,
  objects: readonly Rendered[],
  namespace: string,
): Promise<void> {
  for (const object of objects)
    await kubernetes.admin.call(`${pathOf(object, namespace)}?fieldManager=spec&fieldValidation=Strict`, {
      method: 'PATCH',
      contentType: 'application/apply-patch+yaml',
      body: object,
    });
}
