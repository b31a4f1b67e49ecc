import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterAccess } from '@ledgerlift/contracts';
import { readSecret, SecretMissing } from '@ledgerlift/secrets';
import { withoutSlash } from './resources.js';
import { ClusterAccessUnusable } from './errors.js';
import { credentialsOf } from './kubeconfig.js';

/** A cluster's address and credentials from a secret or the pod. Contains secrets; pass it only to the connection. */
export interface ClusterCredentials {
  /** Without a trailing slash. May have a path, because some proxies serve a cluster below one. */
  readonly server: string;
  /** PEM of the authority that signed the server's certificate; undefined for the system's authorities. */
  readonly ca: string | undefined;
  /** The name in the server's certificate, if it differs from the address. */
  readonly serverName: string | undefined;
  readonly token: string | undefined;
  /** PEM of both. */
  readonly clientCertificate: { readonly cert: string; readonly key: string } | undefined;
  /** For messages. */
  readonly from: string;
}

/** A pod's view of its service account and the API server: see `SERVICE_ACCOUNT`. */
export interface PodPlace {
  readonly folder: string;
  readonly host: string | undefined;
  readonly port: string | undefined;
}

// https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/: the API server's address is in the environment, and
// the token in this file is replaced before it expires.
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

const thisPod = (): PodPlace => ({
  folder: SERVICE_ACCOUNT,
  host: process.env['KUBERNETES_SERVICE_HOST'],
  port: process.env['KUBERNETES_SERVICE_PORT'],
});

/**
 * Reads the current credentials. Tokens may be replaced while a service runs, so the connection reads them again when the API
 * server no longer accepts them.
 *
 * @param secret name of the provider's secret
 * @param pod the pod that this process runs in, by default
 * @throws SecretMissing, ClusterAccessUnusable
 */
export async function readCredentials(
  access: ClusterAccess,
  secret: string | undefined,
  pod: PodPlace = thisPod(),
): Promise<ClusterCredentials> {
  if (access.kind === 'in-cluster') return credentialsOfPod(pod);
  if (secret === undefined)
    throw new ClusterAccessUnusable(
      `the access '${access.kind}'`,
      'the provider names no secret',
      `Name one with the key '${access.kind}', or use the access 'in-cluster'.`,
    );
  const from = `the secret '${secret}'`;
  if (access.kind === 'kubeconfig')
    return credentialsOf(await readSecret(secret, 'kubeconfig'), access.context, from);
  const ca = access.caCertificate ?? (await optional(readSecret(secret, 'ca.crt')));
  const token = await readSecret(secret, 'token');
  const server = withoutSlash(access.url);
  return { server, ca, serverName: undefined, token, clientCertificate: undefined, from };
}

async function credentialsOfPod({ folder, host, port }: PodPlace): Promise<ClusterCredentials> {
  const from = 'the service account of this pod';
  const instead = "Run this service in the cluster, or use the access 'token' or 'kubeconfig'.";
  if (host === undefined || port === undefined)
    throw new ClusterAccessUnusable(
      from,
      'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set',
      instead,
    );
  const read = async (name: string): Promise<string> => {
    const path = join(folder, name);
    const content = (await readFile(path, 'utf8').catch(() => '')).trim();
    if (content === '') throw new ClusterAccessUnusable(from, `${path} cannot be read, or is empty`, instead);
    return content;
  };
  const [token, ca] = await Promise.all([read('token'), read('ca.crt')]);
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { server, ca, serverName: undefined, token, clientCertificate: undefined, from };
}

async function optional(secret: Promise<string>): Promise<string | undefined> {
  try {
    return await secret;
  } catch (error) {
    if (error instanceof SecretMissing) return undefined;
    throw error;
  }
}
