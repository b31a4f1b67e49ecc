import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { type User, createAccount, createUser, decode } from '@nats-io/jwt';
import { readPlannerConfig } from '../config.js';
import { mintPodCredential, readSigner } from './pod-credentials.js';

const account = createAccount();
const signing = createAccount();
const seedOf = (key: ReturnType<typeof createAccount>): string => new TextDecoder().decode(key.getSeed());

let folder: TemporaryFolder;
beforeAll(() => {
  folder = temporaryFolder('seeds');
});
afterAll(() => folder.remove());

async function seedFile(content: string): Promise<string> {
  const path = folder.file(crypto.randomUUID());
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

/** How reading the signer fails. */
const failure = async (signer: Parameters<typeof readSigner>[0]): Promise<Error> =>
  readSigner(signer).then(
    () => new Error('it was read'),
    (error: unknown) => error as Error,
  );

describe('the key that signs', () => {
  it.each([
    ['a file that is not there', () => Promise.resolve('/nowhere/seed')],
    ['no seed', () => seedFile('hello')],
    ['the seed of a user', () => seedFile(seedOf(createUser()))],
    ['a public key', () => seedFile(account.getPublicKey())],
  ])('is refused with its setting and the way out: %s', async (_what, make) => {
    const path = await make();
    expect(await failure({ seedFile: path, account: undefined })).toMatchObject({
      code: 'LL-SVC-001',
      message: expect.stringContaining(
        `LEDGERLIFT_NATS_SIGNING_SEED_FILE is '${path}'; set it to the path of a file`,
      ),
    });
  });

  it('that was set in place of its path is not shown', async () => {
    const seed = seedOf(signing);
    const { message } = await failure({ seedFile: seed, account: undefined });
    expect(message).toContain("LEDGERLIFT_NATS_SIGNING_SEED_FILE is 'a seed'");
    expect(message).not.toContain(seed);
  });

  it('is refused with an account that is none', async () => {
    const wrong = `A${'B'.repeat(55)}`;
    expect(await failure({ seedFile: await seedFile(seedOf(signing)), account: wrong })).toMatchObject({
      code: 'LL-SVC-001',
      variable: 'LEDGERLIFT_NATS_ACCOUNT',
    });
    expect(() => readPlannerConfig({ LEDGERLIFT_NATS_ACCOUNT: 'mine' })).toThrow(
      "LEDGERLIFT_NATS_ACCOUNT is 'mine'; set it to the public key of the NATS account",
    );
  });
});

describe('a credential', () => {
  const user = createUser().getPublicKey();
  async function claimsOf(signer: Parameters<typeof readSigner>[0], maxPayload = 1000) {
    const jwt = await mintPodCredential(await readSigner(signer), {
      ...{ stream: 'vm-m1-0', site: 'local.vm-1', services: ['transfer'] as const },
      ...{ userPublicKey: user, now: 1_000_500, lifetimeMs: 60_000, maxPayload },
    });
    return decode<User>(jwt);
  }

  it('is of the account, whether its own key signs or a signing key', async () => {
    const own = await claimsOf({
      seedFile: await seedFile(seedOf(account)),
      account: account.getPublicKey(),
    });
    expect(own.iss).toBe(account.getPublicKey());
    expect(own.nats.issuer_account).toBeUndefined();
    const other = await claimsOf({
      seedFile: await seedFile(seedOf(signing)),
      account: account.getPublicKey(),
    });
    expect(other.iss).toBe(signing.getPublicKey());
    expect(other.nats.issuer_account).toBe(account.getPublicKey());
  });

  it('ends, and has limits', async () => {
    const signer = { seedFile: await seedFile(`${seedOf(account)}\n`), account: undefined };
    expect(await claimsOf(signer)).toMatchObject({
      ...{ sub: user, name: 'local.vm-1', exp: 1060 },
      nats: { subs: 64, payload: 1000, allowed_connection_types: ['STANDARD'], resp: { max: 1 } },
    });
    expect((await claimsOf(signer, Number.POSITIVE_INFINITY)).nats.payload).toBe(-1);
  });

  it('names the exact subjects of one VM and one pod', async () => {
    const { nats } = await claimsOf({ seedFile: await seedFile(seedOf(account)), account: undefined });
    expect(nats.pub).toEqual({
      allow: [
        '$JS.API.CONSUMER.CREATE.LEDGERLIFT_EVENTS.transfer-local_vm-1.ledgerlift.events.vm.*.StepRequested.transfer.local.vm-1',
        '$JS.API.CONSUMER.MSG.NEXT.LEDGERLIFT_EVENTS.transfer-local_vm-1',
        '$JS.ACK.LEDGERLIFT_EVENTS.transfer-local_vm-1.>',
        'ledgerlift.rpc.claim.vm.m1-0',
        'ledgerlift.rpc.lease.vm.m1-0',
        'ledgerlift.rpc.report.vm.m1-0',
        'ledgerlift.reports.vm.m1-0',
        'ledgerlift.progress.vm.m1-0',
        'ledgerlift.dead.LEDGERLIFT_EVENTS.vm.m1-0',
      ],
    });
    expect(nats.sub).toEqual({
      allow: [
        `_INBOX.${user}.>`,
        'ledgerlift.stop.vm.m1-0',
        'ledgerlift.rpc.capabilities.transfer.local.vm-1',
      ],
    });
  });
});
