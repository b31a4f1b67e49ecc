import { describe, expect, it } from '@jest/globals';
import { type Auth, credsAuthenticator } from '@nats-io/nats-core';
import { fromPublic } from '@nats-io/nkeys';
import { credsOf, expiryIn, freshKey, keyIn } from './planner-client.js';

/** A JWT as far as it is read: nobody here looks at its signature. */
const jwtWith = (claims: object): string =>
  ['{}', JSON.stringify(claims), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');

describe('the creds file of a pod', () => {
  it('is read by NATS’ client, which signs with its key', () => {
    const key = freshKey();
    const jwt = jwtWith({ exp: 1 });
    const answer: Auth = credsAuthenticator(new TextEncoder().encode(credsOf(key, jwt)))('nonce');
    if (typeof answer !== 'object' || !('jwt' in answer) || !('sig' in answer))
      throw new Error('there is no answer to the nonce');
    expect(answer.jwt).toBe(jwt);
    const signature = Buffer.from(answer.sig ?? '', 'base64url');
    expect(fromPublic(key.publicKey).verify(new TextEncoder().encode('nonce'), signature)).toBe(true);
  });

  it('gives its key back, and when it ends', () => {
    const key = freshKey();
    const creds = credsOf(key, jwtWith({ exp: 1_800_000_000 }));
    expect(keyIn(creds)).toEqual(key);
    expect(expiryIn(creds)).toBe(1_800_000_000_000);
    expect(key.publicKey).toMatch(/^U[A-Z2-7]{55}$/);
    expect(freshKey().publicKey).not.toBe(key.publicKey);
  });

  it.each([
    ['nothing', ''],
    ['no key', credsOf({ publicKey: '', seed: '' }, jwtWith({ exp: 1 }))],
    ['a key that is none', credsOf({ publicKey: '', seed: 'SUANOTASEED' }, 'x')],
  ])('holds no key where it is %s', (_, creds) => {
    expect(keyIn(creds)).toBeUndefined();
  });

  it.each([
    ['there is none', ''],
    ['it does not say', credsOf(freshKey(), jwtWith({}))],
    ['it is no JWT', credsOf(freshKey(), 'a.b.c')],
    ['it says no number', credsOf(freshKey(), jwtWith({ exp: 'soon' }))],
  ])('counts as ended where %s', (_, creds) => {
    expect(expiryIn(creds)).toBe(0);
  });
});
