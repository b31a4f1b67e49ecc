import { setTimeout as delay } from 'node:timers/promises';
import { SERVICES, type Service } from '../installation/installation.js';
import type { Chance } from '@ledgerlift/testing';
import type { Session } from './session.js';

/** What may go wrong: each does it, and undoes it where it would last for ever. */
export interface Fault {
  readonly name: string;
  strike(session: Session, chance: Chance): Promise<void>;
}

const fault = (name: string, strike: Fault['strike']): Fault => ({ name, strike });
const restart = async ({ at }: Session, name: Service): Promise<void> => {
  await at.service(name).kill();
  await at.service(name).restart();
};
/** Shorter and longer than a lease of 2.5 s. */
const while_ = (chance: Chance): Promise<void> => delay(200 + chance.below(3800));

/** Requests of the source that are cut, refused or late. */
const labFault = (name: string, action: object, times: number): Fault =>
  fault(name, async ({ lab }, chance) => {
    const match = chance.pick([
      '.*',
      'POST .*',
      'POST .*snapshots',
      'DELETE .*',
      'GET .*changes.*',
      'POST .*power',
    ]);
    const when = chance.pick(['before', 'after']);
    await lab.request('POST', '/faults', { match, times, when, action }).catch(() => undefined);
  });

export const faults: readonly (readonly [weight: number, fault: Fault])[] = [
  ...SERVICES.map((name) => [3, fault(`kill ${name}`, (session) => restart(session, name))] as const),
  ...SERVICES.map(
    (name) =>
      [
        1,
        fault(`stop ${name} for a while`, async ({ at }, chance) => {
          at.service(name).pause();
          await while_(chance);
          at.service(name).resume();
        }),
      ] as const,
  ),
  [1, fault('restart NATS', ({ at }) => at.nats.restart())],
  [1, fault('NATS loses its data', ({ at }) => at.nats.wipeAndRestart())],
  [
    1,
    fault('kill everything', async ({ at }) => {
      await Promise.all([at.nats.kill(), ...SERVICES.map((name) => at.service(name).kill())]);
      await at.nats.restart();
      await Promise.all(SERVICES.map((name) => at.service(name).restart()));
    }),
  ],
  [
    2,
    fault('cut every connection to NATS', async ({ proxy }, chance) => {
      proxy.cut();
      await while_(chance);
      proxy.heal();
    }),
  ],
  [
    1,
    fault('hold every connection to NATS', async ({ proxy }, chance) => {
      proxy.hold();
      await while_(chance);
      proxy.heal();
    }),
  ],
  [
    1,
    fault('fill the disk of the target', async (session, chance) => {
      session.fillDisk();
      await while_(chance);
      await session.heal();
    }),
  ],
  [
    1,
    fault('make the target read-only', async (session, chance) => {
      session.writable('ro');
      await while_(chance);
      session.writable('rw');
    }),
  ],
  [2, labFault('the source cuts requests', { do: 'cut' }, 3)],
  [2, labFault('the source fails requests', { do: 'status', status: 503 }, 3)],
  [1, labFault('the source is slow', { do: 'delay', ms: 1500 }, 3)],
  [1, labFault('tasks of the source fail', { do: 'fail-task', message: 'a fault was injected' }, 1)],
  [
    1,
    fault('kill the source', async ({ lab }) => {
      await lab.kill();
      await lab.restart();
    }),
  ],
  [
    1,
    fault('the host of the source fails', async ({ lab }) => {
      await lab.crash();
      await lab.restart();
    }),
  ],
];

/** What may go wrong with one VM of the lab. */
export const vmFaults: readonly ((session: Session, vmId: string) => Promise<unknown>)[] = [
  ({ lab }, id) => lab.request('POST', `/vms/${id}/reset-cbt`).catch(() => undefined),
  ({ lab }, id) => lab.request('POST', `/vms/${id}/cut-nbd`, { downMs: 300 }).catch(() => undefined),
];
