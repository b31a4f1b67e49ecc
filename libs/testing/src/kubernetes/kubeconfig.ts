import { readFile } from 'node:fs/promises';
import type { ClusterKeys } from './control-plane.js';
import type { CertifiedKey } from './authority.js';

/** Who a kubeconfig speaks for. */
export type KubeconfigUser = CertifiedKey | { readonly token: string };

/**
 * A kubeconfig with one context, `test`, that holds all it needs. JSON, which every reader of YAML takes.
 *
 * @param server by default the API server itself
 */
export async function kubeconfigOf(
  keys: ClusterKeys,
  user: KubeconfigUser,
  server = keys.url,
): Promise<string> {
  const base64 = async (path: string): Promise<string> => (await readFile(path)).toString('base64');
  const credentials =
    'token' in user
      ? user
      : {
          'client-certificate-data': await base64(user.certificate),
          'client-key-data': await base64(user.key),
        };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'test',
        cluster: {
          server,
          'certificate-authority-data': await base64(keys.authority.certificate),
        },
      },
    ],
    users: [{ name: 'test', user: credentials }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}
