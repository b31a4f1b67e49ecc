import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const openssl = promisify(execFile);
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Paths of a certificate and of its key, both PEM. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate authority of a test. Its files are those of one folder. */
export class Authority {
  private constructor(
    readonly certificate: string,
    readonly key: string,
  ) {}

  /** @param name of its files, and its common name */
  static async create(folder: string, name: string): Promise<Authority> {
    const [certificate, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
    await openssl('openssl', [
      ...['req', '-x509', ...NEW_KEY, '-days', '3650', '-subj', `/CN=${name}`],
      ...['-keyout', key, '-out', certificate],
    ]);
    return new Authority(certificate, key);
  }

  /** PEM of its certificate. */
  pem(): Promise<string> {
    return readFile(this.certificate, 'utf8');
  }

  /**
   * Signs a certificate for a server or a client.
   *
   * @param subject as `/O=system:masters/CN=admin`: Kubernetes takes O for groups, and CN for the user
   * @param names as `IP:127.0.0.1` or `DNS:localhost`; none for a client
   */
  async sign(
    folder: string,
    name: string,
    subject: string,
    names: readonly string[] = [],
  ): Promise<CertifiedKey> {
    const [certificate, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
    const extensions = [
      'basicConstraints=critical,CA:FALSE',
      'extendedKeyUsage=serverAuth,clientAuth',
      ...(names.length === 0 ? [] : [`subjectAltName=${names.join(',')}`]),
    ];
    await openssl('openssl', [
      ...['req', '-x509', ...NEW_KEY, '-days', '3650', '-subj', subject],
      ...['-CA', this.certificate, '-CAkey', this.key],
      ...extensions.flatMap((extension) => ['-addext', extension]),
      ...['-keyout', key, '-out', certificate],
    ]);
    return { certificate, key };
  }
}

/** Makes the pair of keys by which an API server signs the tokens of service accounts. @returns paths */
export async function serviceAccountKeys(
  folder: string,
): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const [privateKey, publicKey] = [join(folder, 'sa.key'), join(folder, 'sa.pub')];
  await openssl('openssl', [
    ...['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', privateKey],
  ]);
  const { stdout } = await openssl('openssl', ['pkey', '-in', privateKey, '-pubout']);
  await writeFile(publicKey, stdout);
  return { privateKey, publicKey };
}
