import { rolesFor } from './roles.js';

/** What files/rules.json of the Helm chart holds: the rules of the ClusterRole, and of the Role in each namespace. */
export function chartRules(): string {
  const roles = rolesFor({ account: { namespace: 'any', name: 'any' }, namespaces: ['any'] });
  const rulesOf = (kind: string): unknown => roles.find((role) => role.kind === kind)?.['rules'];
  return `${JSON.stringify({ cluster: rulesOf('ClusterRole'), namespace: rulesOf('Role') }, undefined, 2)}\n`;
}
