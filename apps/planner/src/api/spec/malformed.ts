import { networkSpec, planSpec, sourceSpec, storageSpec } from '@ledgerlift/planning/spec';

export interface MalformedRequest {
  readonly why: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array<ArrayBuffer> | undefined;
  /** Where the error must name a field: a part of its name. */
  readonly field?: string;
}

/** A small generator (mulberry32), so that a failing request can be made again from its seed. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const json = { 'Content-Type': 'application/json' };
const targets = [
  { path: '/providers', body: sourceSpec },
  { path: '/mappings', body: networkSpec },
  { path: '/mappings', body: storageSpec },
  { path: '/plans', body: planSpec },
] as const;
/** Values that no field of a definition takes at its top level. */
const nonsense: readonly unknown[] = [
  null,
  0,
  -1,
  1e400,
  '',
  'UPPER case',
  '../../etc/passwd',
  '\u0000',
  '💣'.repeat(100),
  'x'.repeat(5000),
  [],
  [[[]]],
  {},
  { $gt: '' },
  true,
];

/** Any text is a ref; one that leads nowhere is told by the validation of a plan. */
const refs: readonly string[] = ['source', 'target', 'networkMapping', 'storageMapping'];

/** A request that the API must refuse, made from a seed. */
export function malformed(seed: number): MalformedRequest {
  const random = randomFrom(seed);
  const pick = <T>(from: readonly T[]): T => {
    const picked = from[Math.floor(random() * from.length)];
    if (picked === undefined && from.length === 0) throw new Error('nothing to pick from');
    return picked as T;
  };
  const { path, body } = pick(targets);
  const headers = { ...json, 'Idempotency-Key': `malformed-${seed}` };
  const post = { method: 'POST', path, headers };
  const text = JSON.stringify(body);
  const kinds: readonly (() => MalformedRequest)[] = [
    () => ({
      ...post,
      why: 'JSON cut short',
      body: text.slice(0, 1 + Math.floor(random() * (text.length - 2))),
      field: 'body',
    }),
    () => {
      const field = pick(Object.keys(body).filter((key) => key !== 'pairs'));
      const value = pick(
        nonsense.filter((each) => !(refs.includes(field) && typeof each === 'string' && each !== '')),
      );
      return {
        ...post,
        why: `${field} is nonsense`,
        body: JSON.stringify({ ...body, [field]: value }),
        field,
      };
    },
    () => {
      const field = pick(Object.keys(body));
      return {
        ...post,
        why: `${field} is missing`,
        body: JSON.stringify({ ...body, [field]: undefined }),
        field,
      };
    },
    () => {
      const field = pick(['extra', '__proto__x', 'constructor', 'toString', 'nаme', ' name']);
      return { ...post, why: `unknown field ${field}`, body: JSON.stringify({ ...body, [field]: 1 }), field };
    },
    () => ({
      ...post,
      why: '__proto__',
      body: text.replace('{', '{"__proto__":{"a":1},'),
      field: '__proto__',
    }),
    () => ({
      ...post,
      why: 'no object',
      body: JSON.stringify(
        pick(nonsense.filter((each) => typeof each !== 'object' || each === null || Array.isArray(each))),
      ),
    }),
    () => ({
      ...post,
      why: 'bytes',
      body: Uint8Array.from(
        { length: 1 + Math.floor(random() * 200) },
        () => 128 + Math.floor(random() * 128),
      ),
      field: 'body',
    }),
    () => ({ ...post, why: 'deep nesting', body: '['.repeat(100_000), field: 'body' }),
    () => ({
      ...post,
      why: 'deep nesting in a field',
      body: `{"name":${'['.repeat(5000)}${']'.repeat(5000)}}`,
    }),
    () => ({ ...post, why: 'no key', headers: json, body: text, field: 'Idempotency-Key' }),
    () => ({
      ...post,
      why: 'bad key',
      headers: { ...headers, 'Idempotency-Key': pick(['a b', 'k'.repeat(256), 'ä']) },
      body: text,
      field: 'Idempotency-Key',
    }),
    () => ({
      ...post,
      why: 'not JSON by its header',
      headers: {
        ...headers,
        'Content-Type': pick([
          'text/plain',
          'application/x-www-form-urlencoded',
          'multipart/form-data',
          'application/json; charset=utf-16',
          'nonsense',
        ]),
      },
      body: text,
      field: 'Content-Type',
    }),
    () => ({
      ...post,
      why: 'compressed',
      headers: { ...headers, 'Content-Encoding': pick(['gzip', 'br', 'deflate']) },
      body: text,
      field: 'Content-Encoding',
    }),
    () => ({
      why: 'nothing there',
      method: pick(['GET', 'POST', 'PUT', 'DELETE']),
      path: pick(['/nope', '/plans/x/y/z', '/providers/a/inventory/b', '//', '/plans/../../etc', '/%00']),
      headers,
      body: undefined,
    }),
    () => ({
      why: 'wrong method',
      method: pick(['PATCH', 'PUT', 'DELETE']),
      path: pick(['/providers', '/mappings', '/plans', '/migrations']),
      headers,
      body: undefined,
    }),
    () => ({
      why: 'bad path',
      method: 'GET',
      path: pick([
        '/plans/%',
        '/plans/%zz',
        '/plans/%c0%af',
        '/migrations/m/vms/-1',
        '/migrations/m/vms/1.5',
        '/migrations/m/vms/one',
        `/plans/${'x'.repeat(200)}`,
      ]),
      headers,
      body: undefined,
    }),
    () => {
      const [name, value] = pick([
        ['limit', '0'],
        ['limit', '1001'],
        ['limit', 'many'],
        ['offset', '-1'],
        ['offset', '1e9.5'],
        ['colour', 'red'],
        ['limit', '1&limit=2'],
      ] as const);
      return {
        why: `query ${name}=${value}`,
        method: 'GET',
        path: `/plans?${name}=${value}`,
        headers,
        body: undefined,
        field: name,
      };
    },
    () => ({
      why: 'unknown ref',
      method: pick(['GET', 'PUT', 'DELETE']),
      path: `/providers/${pick(['ghost', '%F0%9F%92%A3', "'%20OR%201=1", '..%2F..'])}`,
      headers,
      body: text.length > 0 ? JSON.stringify(sourceSpec) : undefined,
    }),
  ];
  return pick(kinds)();
}
