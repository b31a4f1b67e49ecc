import { describe, expect, it } from '@jest/globals';
import { ClusterAccessUnusable } from './errors.js';
import { credentialsOf } from './kubeconfig.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const kubeconfig = ({ user = {}, cluster = {}, current = 'prod' } = {}): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': current,
    clusters: [
      {
        name: 'one',
        cluster: {
          server: 'https://one.example:6443',
          'certificate-authority-data': base64('CA'),
          ...cluster,
        },
      },
      { name: 'two', cluster: { server: 'https://two.example/k8s/clusters/c-1/' } },
    ],
    users: [{ name: 'me', user: { token: 's3cret', ...user } }],
    contexts: [
      { name: 'prod', context: { cluster: 'one', user: 'me' } },
      { name: 'test', context: { cluster: 'two', user: 'me', namespace: 'vms' } },
      { name: 'lost', context: { cluster: 'three', user: 'me' } },
    ],
  });
const read = (text: string, context?: string): ReturnType<typeof credentialsOf> =>
  credentialsOf(text, context, "the secret 'cluster'");
const refusal = (text: string, context?: string): ClusterAccessUnusable => {
  try {
    read(text, context);
  } catch (error) {
    if (error instanceof ClusterAccessUnusable) return error;
    throw error;
  }
  throw new Error('it was taken');
};

describe('a kubeconfig', () => {
  it('gives the cluster and user of its current context', () => {
    expect(read(kubeconfig())).toMatchObject({
      server: 'https://one.example:6443',
      ca: 'CA',
      token: 's3cret',
      clientCertificate: undefined,
    });
  });

  it('gives those of the context that is named, with the path that a proxy has the cluster at', () => {
    expect(read(kubeconfig(), 'test')).toMatchObject({
      server: 'https://two.example/k8s/clusters/c-1',
      ca: undefined,
    });
  });

  it('gives a client certificate', () => {
    const user = {
      token: undefined,
      'client-certificate-data': base64('CERT'),
      'client-key-data': base64('KEY'),
    };
    expect(read(kubeconfig({ user }))).toMatchObject({
      token: undefined,
      clientCertificate: { cert: 'CERT', key: 'KEY' },
    });
  });

  it.each([
    ['no such context', kubeconfig(), 'stage', /no context 'stage'.*prod, test, lost/],
    ['no current context', kubeconfig({ current: '' }), undefined, /no current context.*prod, test, lost/],
    ['a context without its cluster', kubeconfig(), 'lost', /no cluster 'three'/],
    [
      'a plugin that would be run',
      kubeconfig({ user: { exec: { command: 'aws' } } }),
      undefined,
      /user 'me' has 'exec'/,
    ],
    [
      'a token in a file',
      kubeconfig({ user: { tokenFile: '/etc/shadow' } }),
      undefined,
      /'tokenFile'.*'token'/,
    ],
    [
      'a certificate that is not looked at',
      kubeconfig({ cluster: { 'insecure-skip-tls-verify': true } }),
      undefined,
      /'insecure-skip-tls-verify'.*'certificate-authority-data'/,
    ],
    [
      'an unencrypted server',
      kubeconfig({ cluster: { server: 'http://one.example' } }),
      undefined,
      /cluster 'one': 'server' is wrong/,
    ],
    ['no credentials', kubeconfig({ user: { token: undefined } }), undefined, /neither 'token' nor/],
    ['another document', '[1, 2]', undefined, /as kubectl writes it/],
    ['no document', '{"token": "s3cret"', undefined, /it is not YAML/],
  ])('is refused for %s, and its content is not told', (_, text, context, message) => {
    const error = refusal(text, context);
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ code: 'LL-KUB-011', failure: 'needs-operator' });
    expect(error.message).toMatch(/secret 'cluster'/);
    expect(error.message).not.toMatch(/s3cret/);
  });

  it('may say false to what is not taken, as kubectl writes it', () => {
    const cluster = { 'insecure-skip-tls-verify': false };
    expect(read(kubeconfig({ cluster }))).toMatchObject({ server: 'https://one.example:6443' });
  });
});
