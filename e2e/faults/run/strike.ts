import { setTimeout as delay } from 'node:timers/promises';
import type { LabFaultRequest } from '@ledgerlift/testing';
import type { FaultScript, VmScript } from '../script/script.js';
import { slowed } from '../world/processes.js';
import type { World } from '../world/world.js';
import type { Sources } from './sources.js';

export interface Scene {
  readonly world: World;
  readonly sources: Sources;
  readonly vms: readonly VmScript[];
  /** When somebody who is not us powered a source on, or off. */
  readonly intrusions: { readonly vm: number; readonly at: string }[];
}

/** One fault, and its end where it has one. What cannot be done at the moment (the lab is down, say) is not done. */
export async function strike(scene: Scene, fault: FaultScript): Promise<void> {
  const { world, sources, vms } = scene;
  const { kind, forMs, times } = fault;
  const { bus, lab } = world;
  const vm = vms[fault.vm];
  const id = vm === undefined ? '' : sources.idOf(vm);
  const rule = (
    action: LabFaultRequest['action'],
    when: 'before' | 'after' = 'before',
    match = '^(?!.*/faults)',
  ) => quietly(() => lab.inject({ match, times, when, action }));
  switch (kind) {
    case 'kill':
      return (await world.member(fault.service)).service.killed(forMs);
    case 'stop':
      return (await world.member(fault.service)).service.stopped(forMs);
    case 'cut':
    case 'hold': {
      const { proxies } = await world.member(fault.service);
      proxies[kind]();
      await delay(forMs);
      proxies.pass();
      return;
    }
    case 'kill-all':
      return killAll(world, forMs);
    case 'nats-restart':
      return bus.restart(fault.node);
    case 'nats-wipe':
      return bus.wipe(fault.node);
    case 'nats-stop':
      return bus.stopped(fault.node, forMs);
    case 'nats-partition':
      return bus.partitioned(fault.node, forMs);
    case 'leader-stop':
      return (await world.member('planner')).service.stopped(forMs);
    case 'database-kill':
      return world.inDatabaseTurn(() => world.database?.restart() ?? Promise.resolve());
    case 'slow-disk':
      return slowed(world.target.path, forMs);
    case 'full-target':
      return world.target.full(forMs);
    case 'full-log':
      return world.data.full(forMs);
    case 'read-only-target':
      return world.target.readOnly(forMs);
    case 'ova-vanishes':
      sources.vanish();
      await delay(forMs);
      sources.comeBack();
      return;
    case 'lab-status':
      return rule({ do: 'status', status: 503 });
    case 'lab-cut':
      return rule({ do: 'cut' });
    case 'lab-answer-lost':
      return rule({ do: 'cut' }, 'after', '^(POST|DELETE) (?!/faults)');
    case 'lab-delay':
      return rule({ do: 'delay', ms: Math.max(forMs, 1) });
    case 'lab-task-fails':
      return rule({ do: 'fail-task', message: 'the host is busy' });
    case 'lab-task-lies':
      return rule({ do: 'fail-task', message: 'the answer was lost on the way' }, 'after');
    case 'lab-nbd-cut':
      await quietly(() => lab.do('POST', `/vms/${id}/cut-nbd`, { downMs: forMs }));
      return;
    case 'cbt-reset':
      await quietly(() => lab.do('POST', `/vms/${id}/reset-cbt`));
      return;
    case 'lab-kill':
    case 'lab-crash':
      return world.inLabTurn(async () => {
        await (kind === 'lab-kill' ? lab.kill() : lab.crash());
        await delay(forMs);
        await lab.restart();
      });
    case 'intruder':
      return intrude(scene, fault.vm, id);
    case 'runs-between':
      return intrude(scene, fault.vm, id, forMs);
    case 'busy-guest':
      await quietly(() => lab.do('POST', `/vms/${id}/config`, { workload: BUSY }));
      return;
  }
}

async function killAll({ bus, members }: World, forMs: number): Promise<void> {
  await Promise.all([
    bus.killedAll(forMs),
    ...members.map(async ({ service }) => {
      await service.kill();
      await delay(forMs);
      await service.begin();
    }),
  ]);
}

const INTRUDER_WAITS_MS = 6000;

/** Writes all over its disks, and far more than before. */
const BUSY = { roundsPerSecond: 200, blockBytes: 65_536 };

/**
 * As soon as the source was powered off for the migration, somebody powers it on.
 *
 * @param forMs and off again after so long; undefined: it is left on
 */
async function intrude(
  { world, intrusions, vms }: Scene,
  vm: number,
  id: string,
  forMs?: number,
): Promise<void> {
  if (vms[vm]?.wasOn !== true) return;
  for (const deadline = Date.now() + INTRUDER_WAITS_MS; Date.now() < deadline; await delay(25)) {
    const power = await quietly(async () => (await world.lab.do('GET', `/vms/${id}`)) as { power?: string });
    if (power?.power !== 'off') continue;
    await quietly(() => world.lab.power(id, 'on'));
    intrusions.push({ vm, at: new Date().toISOString() });
    if (forMs === undefined) return;
    await delay(forMs);
    await quietly(() => world.lab.power(id, 'force-off'));
    intrusions.push({ vm, at: new Date().toISOString() });
    return;
  }
}

async function quietly<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch {
    return undefined;
  }
}
