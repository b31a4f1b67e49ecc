import { parse } from 'yaml';
import { z } from 'zod';
import type { ClusterCredentials } from './access.js';
import { withoutSlash } from './resources.js';
import { ClusterAccessUnusable } from './errors.js';

// https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
const Named = <Name extends string, T extends z.ZodType>(name: Name, value: T) =>
  z.array(z.object({ name: z.string(), [name]: value } as { name: z.ZodString } & Record<Name, T>));
const Cluster = z.looseObject({
  server: z.url({ protocol: /^https$/ }),
  'certificate-authority-data': z.base64().optional(),
  'tls-server-name': z.string().optional(),
});
const User = z.looseObject({
  token: z.string().min(1).optional(),
  'client-certificate-data': z.base64().optional(),
  'client-key-data': z.base64().optional(),
});
const Kubeconfig = z.looseObject({
  'current-context': z.string().optional(),
  clusters: Named('cluster', z.unknown()),
  contexts: Named('context', z.object({ cluster: z.string(), user: z.string() })),
  users: Named('user', z.unknown()),
});

// Fields that would make this service run a program, read files named by others, or trust any server.
const REFUSED: Readonly<Record<'cluster' | 'user', Readonly<Record<string, string>>>> = {
  cluster: {
    'insecure-skip-tls-verify': "Give 'certificate-authority-data' instead.",
    'certificate-authority': "Put the certificate itself into 'certificate-authority-data'.",
    'proxy-url': 'Reach the API server without a proxy.',
  },
  user: {
    exec: "Give a service account's 'token', or 'client-certificate-data' and 'client-key-data', instead.",
    'auth-provider': "Give a service account's 'token' instead.",
    tokenFile: "Put the token itself into 'token'.",
    'client-certificate': "Put the certificate itself into 'client-certificate-data'.",
    'client-key': "Put the key itself into 'client-key-data'.",
    username: "Give a service account's 'token' instead.",
    password: "Give a service account's 'token' instead.",
    as: 'Give the credentials of the account itself.',
  },
};

/**
 * Reads a kubeconfig. It must be self-contained: it never causes a program to run or another file to be read.
 *
 * @param text YAML or JSON
 * @param context undefined for the current context
 * @param from its origin, for messages, which never contain values from it
 * @throws ClusterAccessUnusable
 */
export function credentialsOf(text: string, context: string | undefined, from: string): ClusterCredentials {
  const unusable = (why: string, wayOut: string): ClusterAccessUnusable =>
    new ClusterAccessUnusable(`the kubeconfig in ${from}`, why, wayOut);
  const config = read(text, unusable);
  const wanted = context ?? config['current-context'];
  const known = config.contexts.map(({ name }) => name).join(', ');
  if (wanted === undefined || wanted === '')
    throw unusable('it has no current context', `Name one in the provider's settings: ${known}.`);
  const found = config.contexts.find(({ name }) => name === wanted)?.context;
  if (found === undefined)
    throw unusable(`it has no context '${wanted}'`, `Name one that it has: ${known || 'none'}.`);
  const part = <T>(kind: 'cluster' | 'user', name: string, value: unknown, schema: z.ZodType<T>): T => {
    const where = `${kind} '${name}'`;
    if (value === undefined) throw unusable(`it has no ${where}`, `Add it, or name another context.`);
    for (const [field, wayOut] of Object.entries(REFUSED[kind])) {
      const set = (value as Readonly<Record<string, unknown>> | null)?.[field];
      if (set !== undefined && set !== false && set !== '')
        throw unusable(`${where} has '${field}', which is not allowed`, wayOut);
    }
    const parsed = schema.safeParse(value);
    if (!parsed.success) throw unusable(`${where}: ${fieldsOf(parsed.error)}`, 'Correct it.');
    return parsed.data;
  };
  const cluster = part(
    'cluster',
    found.cluster,
    config.clusters.find(({ name }) => name === found.cluster)?.cluster,
    Cluster,
  );
  const user = part('user', found.user, config.users.find(({ name }) => name === found.user)?.user, User);
  const [cert, key] = [user['client-certificate-data'], user['client-key-data']];
  const clientCertificate =
    cert === undefined || key === undefined ? undefined : { cert: decoded(cert), key: decoded(key) };
  if (user.token === undefined && clientCertificate === undefined)
    throw unusable(
      `user '${found.user}' has neither 'token' nor both of 'client-certificate-data' and 'client-key-data'`,
      'Add one of them.',
    );
  const ca = cluster['certificate-authority-data'];
  return {
    server: withoutSlash(cluster.server),
    ca: ca === undefined ? undefined : decoded(ca),
    serverName: cluster['tls-server-name'],
    token: user.token,
    clientCertificate,
    from,
  };
}

function read(
  text: string,
  unusable: (why: string, wayOut: string) => ClusterAccessUnusable,
): z.infer<typeof Kubeconfig> {
  let content: unknown;
  try {
    content = parse(text);
  } catch {
    // Do not show the parser's message, because it quotes the line.
    throw unusable('it is not YAML', 'Check that the whole file is in the secret.');
  }
  const parsed = Kubeconfig.safeParse(content);
  if (!parsed.success)
    throw unusable(fieldsOf(parsed.error), 'Check that it is a kubeconfig as kubectl writes it.');
  return parsed.data;
}

/** Lists the wrong fields without their values. */
const fieldsOf = (error: z.ZodError): string =>
  error.issues.map(({ path, code }) => `'${path.join('.')}' is wrong (${code})`).join(', ');

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');
