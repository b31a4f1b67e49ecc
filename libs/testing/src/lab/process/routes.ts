import { z } from 'zod';
import { LabBehaviour, LabFault, type LabTask, LabVmSpec, LabWorkload } from '../wire.js';
import type { Lab } from './lab.js';
import type { Machine } from './machine.js';
import { names } from './paths.js';
import { shown, shownSnapshot } from './views.js';
import {
  changedExtents,
  createSnapshot,
  cutReaders,
  diskIndex,
  endDiskExports,
  exportDisk,
  mustBeNew,
  removeSnapshot,
  resetTracking,
  snapshotOf,
} from './snapshots.js';
import { Refusal } from './refusal.js';

/** What a route is given. `begin` runs work as a task, so that a fault can make it fail. */
export interface Call {
  readonly lab: Lab;
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
  begin(kind: string, vm: string, work: () => Promise<void>): LabTask;
}

type Route = readonly [method: string, path: RegExp, answer: (call: Call) => unknown];

const vmOf = ({ lab, path }: Call): Machine => lab.machine(path[0] ?? '');

const PowerAction = z.object({ action: z.enum(['on', 'shutdown', 'force-off']) });
const Config = z.object({ workload: LabWorkload.optional(), behaviour: LabBehaviour.optional() });

/** Every route of the API. A path's groups are the call's `path`. */
export const routes: readonly Route[] = [
  ['GET', /^\/inventory$/, inventory],
  ['GET', /^\/vms\/([^/]+)$/, (call) => shown(call.lab, vmOf(call))],
  ['GET', /^\/tasks\/([^/]+)$/, ({ lab, path }) => lab.tasks.get(path[0] ?? '')],
  ['POST', /^\/vms$/, async ({ lab, body }) => shown(lab, await lab.create(LabVmSpec.parse(body)))],
  ['DELETE', /^\/vms\/([^/]+)$/, (call) => inTurn(call, (machine) => call.lab.remove(machine))],
  ['POST', /^\/vms\/([^/]+)\/config$/, configure],
  ['POST', /^\/vms\/([^/]+)\/power$/, power],
  ['POST', /^\/vms\/([^/]+)\/snapshots$/, beginSnapshot],
  ['GET', /^\/vms\/([^/]+)\/snapshots\/([^/]+)$/, (call) => shownSnapshot(vmOf(call), named(call))],
  ['DELETE', /^\/vms\/([^/]+)\/snapshots\/([^/]+)$/, beginRemoval],
  ['GET', /^\/vms\/([^/]+)\/snapshots\/([^/]+)\/disks\/([^/]+)\/changes$/, changes],
  ['POST', /^\/vms\/([^/]+)\/disks\/([^/]+)\/export$/, offerDisk],
  ['POST', /^\/vms\/([^/]+)\/reset-cbt$/, (call) => inTurn(call, resetTracking)],
  ['POST', /^\/vms\/([^/]+)\/nics$/, connectNics],
  ['POST', /^\/vms\/([^/]+)\/rename$/, rename],
  ['POST', /^\/vms\/([^/]+)\/tags$/, tag],
  ['POST', /^\/vms\/([^/]+)\/untag$/, untag],
  ['POST', /^\/vms\/([^/]+)\/cut-nbd$/, cutNbd],
  ['POST', /^\/vms\/([^/]+)\/guest$/, tellGuest],
  ['GET', /^\/faults$/, ({ lab }) => lab.faults.pending],
  ['POST', /^\/faults$/, ({ lab, body }) => lab.faults.add(LabFault.parse(body))],
  ['DELETE', /^\/faults$/, ({ lab }) => lab.faults.clear()],
];

const inTurn = (call: Call, work: (machine: Machine) => Promise<void>): Promise<void> => {
  const machine = vmOf(call);
  return machine.inTurn(() => work(machine));
};

function inventory({ lab }: Call): unknown {
  const all = lab.machines.map(({ record }) => record);
  const sorted = (values: readonly string[]): readonly string[] => [...new Set(values)].sort();
  return {
    vms: lab.machines.map((machine) => shown(lab, machine)),
    networks: sorted(all.flatMap(({ nics }) => nics.map(({ network }) => network))),
    storages: sorted(all.flatMap(({ disks }) => disks.map(({ storage }) => storage))),
  };
}

const named = (call: Call) => snapshotOf(vmOf(call), call.path[1] ?? '');

function configure(call: Call): Promise<void> {
  const { workload, behaviour } = Config.parse(call.body);
  const change = {
    ...(workload === undefined ? {} : { workload }),
    ...(behaviour === undefined ? {} : { behaviour }),
  };
  return inTurn(call, (machine) => machine.update(change));
}

function power(call: Call): LabTask {
  const machine = vmOf(call);
  const { action } = PowerAction.parse(call.body);
  const work = {
    on: async () => {
      if (machine.record.power === 'off') await endDiskExports(machine);
      await machine.powerOn();
    },
    shutdown: () => machine.askShutdown(),
    'force-off': () => machine.powerOff('force'),
  }[action];
  return call.begin(`power-${action}`, machine.record.id, () => machine.inTurn(work));
}

function beginSnapshot(call: Call): LabTask {
  const machine = vmOf(call);
  const { name } = z.object({ name: z.string().min(1).max(200) }).parse(call.body);
  mustBeNew(machine, name);
  return call.begin('create-snapshot', machine.record.id, () =>
    machine.inTurn(() => createSnapshot(machine, name)),
  );
}

function beginRemoval(call: Call): LabTask {
  const machine = vmOf(call);
  const { name } = named(call);
  return call.begin('remove-snapshot', machine.record.id, () =>
    machine.inTurn(() => removeSnapshot(machine, name)),
  );
}

function changes(call: Call): Promise<unknown> {
  const machine = vmOf(call);
  const [, name = '', disk = ''] = call.path;
  const since = call.query.get('since') ?? '*';
  return machine.inTurn(async () => {
    if (snapshotOf(machine, name).broken)
      throw new Refusal(410, 'snapshot-broken', `snapshot '${name}' was lost with its daemon`);
    return { extents: await changedExtents(machine, name, disk, since) };
  });
}

async function offerDisk(call: Call): Promise<unknown> {
  const machine = vmOf(call);
  const disk = diskIndex(machine, call.path[1] ?? '');
  await machine.inTurn(() => exportDisk(machine, disk));
  return { socket: machine.paths.nbdSocket, exportName: names.reader(disk) };
}

function connectNics(call: Call): Promise<void> {
  const { connected, ids } = z
    .object({ connected: z.boolean(), ids: z.array(z.string()).optional() })
    .parse(call.body);
  return inTurn(call, async (machine) => {
    const isMeant = (id: string): boolean => ids === undefined || ids.includes(id);
    await machine.update({
      nics: machine.record.nics.map((nic) => (isMeant(nic.id) ? { ...nic, connected } : nic)),
    });
    machine.note('nics-changed', { detail: connected ? 'connected' : 'disconnected' });
  });
}

function rename(call: Call): Promise<void> {
  const { name } = z.object({ name: z.string().min(1).max(200) }).parse(call.body);
  return inTurn(call, async (machine) => {
    await machine.update({ name });
    machine.note('renamed', { detail: name });
  });
}

function tag(call: Call): Promise<void> {
  const { tag: added } = z.object({ tag: z.string().min(1).max(200) }).parse(call.body);
  return inTurn(call, async (machine) => {
    await machine.update({ tags: [...new Set([...machine.record.tags, added])] });
    machine.note('tagged', { detail: added });
  });
}

function untag(call: Call): Promise<void> {
  const { tag: gone } = z.object({ tag: z.string().min(1).max(200) }).parse(call.body);
  return inTurn(call, async (machine) => {
    await machine.update({ tags: machine.record.tags.filter((each) => each !== gone) });
    machine.note('untagged', { detail: gone });
  });
}

function cutNbd(call: Call): Promise<void> {
  const { downMs } = z.object({ downMs: z.int().min(0).max(600_000) }).parse(call.body);
  return inTurn(call, (machine) => cutReaders(machine, downMs));
}

async function tellGuest(call: Call): Promise<unknown> {
  const { guest } = vmOf(call);
  const { command } = z.object({ command: z.string().min(1) }).parse(call.body);
  if (guest === undefined) throw new Refusal(409, 'no-guest', 'no guest runs in it');
  return { output: await guest.run(command) };
}
