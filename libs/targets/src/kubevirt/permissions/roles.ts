import { stringify } from 'yaml';
import type { TargetRoleRequest } from '../../port.js';
import { type ApiResource, resources, type Verb } from '../resources.js';

/** One right that a migration into a cluster needs. */
export interface Need {
  readonly verb: Verb;
  readonly kind: ApiResource;
  /** Such as `log`. */
  readonly subresource?: string;
  /** `cluster`: the whole cluster; `namespace`: each namespace that VMs are migrated into. */
  readonly scope: 'cluster' | 'namespace';
  /** Its purpose, for the administrator who grants it. */
  readonly purpose: string;
}

const WATCH = ['get', 'list', 'watch'] as const;
const rights = (
  scope: Need['scope'],
  kind: ApiResource,
  verbs: readonly Verb[],
  purpose: string,
  subresource?: string,
): readonly Need[] =>
  verbs.map((verb) => ({
    scope,
    kind,
    verb,
    purpose,
    ...(subresource === undefined ? {} : { subresource }),
  }));

/**
 * Exactly the rights that Ledgerlift needs. Both the checks and the roles come from this table. When you add a call to the cluster,
 * add its right here.
 */
export const needs: readonly Need[] = [
  ...rights('cluster', resources.namespaces, WATCH, 'namespaces that a plan may name'),
  ...rights('cluster', resources.nodes, WATCH, 'room for VMs, and nodes whose pods are known to have ended'),
  ...rights('cluster', resources.storageClasses, WATCH, 'storage that a mapping may name'),
  ...rights('cluster', resources.storageProfiles, WATCH, 'access and volume modes of a storage class'),
  ...rights('cluster', resources.cdiConfigs, WATCH, 'how much of a volume its file system takes'),
  ...rights('cluster', resources.volumes, WATCH, 'free volumes of a class that makes none'),
  ...rights('cluster', resources.serviceRanges, WATCH, 'addresses that the cluster has to itself'),
  ...rights('cluster', resources.snapshotClasses, WATCH, 'whether disks can be snapshotted'),
  ...rights('cluster', resources.networks, WATCH, 'networks that a mapping may name'),
  ...rights('cluster', resources.kubevirts, WATCH, "KubeVirt's version and feature gates"),
  ...rights('cluster', resources.clusterInstanceTypes, WATCH, 'instance types that a plan may name'),
  ...rights('cluster', resources.clusterPreferences, WATCH, 'preferences that a plan may name'),
  ...rights('namespace', resources.instanceTypes, WATCH, 'instance types of the namespace'),
  ...rights('namespace', resources.preferences, WATCH, 'preferences of the namespace'),
  ...rights('namespace', resources.quotas, WATCH, 'what the namespace may still use'),
  ...rights('namespace', resources.limitRanges, WATCH, 'how large a claim or pod may be'),
  ...rights('namespace', resources.events, ['list'], 'why a pod or a claim is pending'),
  ...rights('namespace', resources.vms, [...WATCH, 'create', 'patch', 'delete'], 'the VM'),
  ...rights('namespace', resources.instances, WATCH, 'whether the VM runs'),
  ...rights('namespace', resources.claims, [...WATCH, 'create', 'patch', 'delete'], "the VM's disks"),
  ...rights('namespace', resources.pods, [...WATCH, 'create', 'delete'], 'workers beside the disks'),
  ...rights('namespace', resources.pods, ['get'], 'the logs of what its workers ran', 'log'),
  ...rights(
    'namespace',
    resources.secrets,
    ['get', 'create', 'patch', 'delete'],
    'credentials of a worker pod',
  ),
  ...rights(
    'namespace',
    resources.configMaps,
    ['get', 'create', 'patch', 'delete'],
    'logs that outlive their pod',
  ),
];

/** Formats a resource as in a role, such as `pods/log`. */
export const resourceOf = ({ kind, subresource }: Need): string =>
  subresource === undefined ? kind.resource : `${kind.resource}/${subresource}`;

/** A role or binding of the API group rbac.authorization.k8s.io, ready to apply. */
export interface RbacObject {
  readonly apiVersion: 'rbac.authorization.k8s.io/v1';
  readonly kind: 'ClusterRole' | 'ClusterRoleBinding' | 'Role' | 'RoleBinding';
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

const NAME = 'ledgerlift-migration';
const API = 'rbac.authorization.k8s.io';
const apiVersion = `${API}/v1` as const;

/**
 * Makes the minimal roles for migrations: a ClusterRole, a Role in each namespace, and their bindings.
 *
 * @param table all rights that Ledgerlift needs, by default
 */
export function rolesFor(
  { account, namespaces }: TargetRoleRequest,
  table: readonly Need[] = needs,
): readonly RbacObject[] {
  const subjects = [{ kind: 'ServiceAccount', ...account }];
  const of = (scope: Need['scope']): object[] => rulesOf(table.filter((need) => need.scope === scope));
  return [
    { apiVersion, kind: 'ClusterRole', metadata: { name: NAME }, rules: of('cluster') },
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: { name: NAME },
      roleRef: { apiGroup: API, kind: 'ClusterRole', name: NAME },
      subjects,
    },
    ...namespaces.flatMap((namespace): RbacObject[] => [
      { apiVersion, kind: 'Role', metadata: { name: NAME, namespace }, rules: of('namespace') },
      {
        apiVersion,
        kind: 'RoleBinding',
        metadata: { name: NAME, namespace },
        roleRef: { apiGroup: API, kind: 'Role', name: NAME },
        subjects,
      },
    ]),
  ];
}

/** Renders the roles as one YAML file for `kubectl apply`. */
export function roleManifest(request: TargetRoleRequest): string {
  return rolesFor(request)
    .map(
      (object) => `---\n${stringify(object, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })}`,
    )
    .join('');
}

/** Makes one rule for each kind, with all its verbs. */
function rulesOf(table: readonly Need[]): object[] {
  const verbs = Map.groupBy(table, (need) => `${need.kind.group}/${resourceOf(need)}`);
  return [...verbs.values()].flatMap((of) => {
    const [first] = of;
    return first === undefined
      ? []
      : [
          {
            apiGroups: [first.kind.group],
            resources: [resourceOf(first)],
            verbs: of.map(({ verb }) => verb),
          },
        ];
  });
}

/** Generates files/rules.json of the Helm chart: the rules of the ClusterRole, and of the Role in each namespace. */
export function chartRules(): string {
  const roles = rolesFor({ account: { namespace: 'any', name: 'any' }, namespaces: ['any'] });
  const rulesOf = (kind: string): unknown => roles.find((role) => role.kind === kind)?.['rules'];
  return `${JSON.stringify({ cluster: rulesOf('ClusterRole'), namespace: rulesOf('Role') }, undefined, 2)}\n`;
}
