// From a worker's report to the next StepRequested on the bus, through the real planner, its log and a real NATS. The
// worker here does no work: what is measured is deciding, logging and relaying. Peer: one durable append to the same
// kind of log, which no decision can be faster than.
import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CloudEvent, WORKER_PROTOCOL, apiOperations, subjects } from '@ledgerlift/contracts';
import { openLog } from '@ledgerlift/event-log';
import { buildOva, freePort, makeSmallDisk, startNats, temporaryFolder } from '@ledgerlift/testing';
import { connect } from '@nats-io/transport-node';

const VMS = 60;
const WORKER = 'transfer/bench/1';

/** Results that a worker might report. */
const results = {
  Initialize: { step: 'Initialize', powerState: 'off', fingerprint: 'f' },
  SourcePowerOff: { step: 'SourcePowerOff', momentId: 'm' },
  DiskAllocation: { step: 'DiskAllocation', disks: [] },
  DiskTransfer: { step: 'DiskTransfer', disks: [] },
  VirtualMachineCreation: { step: 'VirtualMachineCreation', files: [] },
  FinalPowerActions: { step: 'FinalPowerActions', sourcePowerState: 'off', target: 'none' },
  Cleanup: { step: 'Cleanup' },
};

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

export async function run(emit) {
  const folder = temporaryFolder('bench-step');
  for (const name of ['ovas', 'out', 'data']) mkdirSync(folder.file(name));
  const nats = await startNats();
  const port = await freePort();
  const planner = spawn(
    process.execPath,
    [join(import.meta.dirname, '..', 'apps', 'planner', 'dist', 'main.js')],
    {
      env: {
        ...process.env,
        LEDGERLIFT_NATS_URL: nats.url,
        LEDGERLIFT_DATA_DIR: folder.file('data'),
        LEDGERLIFT_HTTP_PORT: String(port),
        LEDGERLIFT_LOG_LEVEL: 'error',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const nc = await connect({ servers: nats.url });
  try {
    await startPlan(folder, `http://127.0.0.1:${port}/api/v1`, () => measure(nc));
    const took = (await measured).sort((a, b) => a - b);
    const append = await durableAppend(folder.file('peer.db'));
    const row = (name, value) =>
      emit({ name, value, unit: 'ms', peer: 'one durable append', peerValue: append, ratio: value / append });
    row('step.p50', percentile(took, 0.5));
    row('step.p99', percentile(took, 0.99));
  } finally {
    await nc.close();
    planner.kill();
    await new Promise((resolve) => planner.once('close', resolve));
    await nats.stop();
    await folder.remove();
  }
}

let measured;

/** Plays the workers, one step after another, and takes the time between each report and the next request. */
function measure(nc) {
  const took = [];
  let reportedAt;
  const done = Promise.withResolvers();
  measured = done.promise;
  const ask = async (subject, body) =>
    (await nc.request(subject, JSON.stringify(body), { timeout: 10_000 })).json();
  nc.subscribe(`${subjects.event('vm-*', 'StepRequested')}.>`, {
    callback: (error, message) => {
      if (error !== null) return;
      if (reportedAt !== undefined) took.push(performance.now() - reportedAt);
      void work(message.json()).catch(done.reject);
    },
  });
  let left = VMS;
  const work = async (json) => {
    const event = CloudEvent.parse(json);
    const { step, attempt, release = [] } = event.data;
    const ref = { stream: event.subject, step, attempt, worker: WORKER };
    await ask(subjects.claim(ref.stream), { ...ref, protocol: WORKER_PROTOCOL });
    const released = release.map((resource) => ({ resource, how: 'removed' }));
    const report = {
      ref,
      number: 1,
      claimed: [],
      released,
      conditions: [],
      checkpoints: [],
      outcome: { kind: 'completed', result: results[step] },
    };
    reportedAt = performance.now();
    await ask(subjects.reportNow(ref.stream), report);
    if (step === 'Cleanup') left -= 1;
    if (left === 0) done.resolve(took);
  };
}

async function startPlan(folder, url, ready) {
  await makeSmallDisk(folder.file('disk.raw'), { size: 1024 * 1024 });
  const disks = [{ raw: folder.file('disk.raw') }];
  const nics = [{ network: 'VM Network' }];
  const vms = Array.from({ length: VMS }, (_, index) => ({ name: `vm-${index}`, disks, nics }));
  await buildOva({ name: 'many', folder: folder.file('ovas'), vms });
  const call = async (name, body, params = {}) => {
    const { method, path } = apiOperations[name];
    const target = url + path.replaceAll(/:(\w+)/g, (_, field) => params[field]);
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() };
    const response = await fetch(target, { method, headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${name}: ${await response.text()}`);
  };
  for (;;) {
    const isUp = await fetch(url.replace('/api/v1', '/health/ready')).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isUp) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const ends = { source: 'files', target: 'out' };
  await call('providers.create', { name: 'files', type: 'ova', settings: { path: folder.file('ovas') } });
  await call('providers.create', { name: 'out', type: 'directory', settings: { path: folder.file('out') } });
  await call('mappings.create', {
    kind: 'network',
    name: 'nets',
    ...ends,
    pairs: [{ source: 'VM Network', destination: { type: 'pod' } }],
  });
  await call('mappings.create', {
    kind: 'storage',
    name: 'disks',
    ...ends,
    pairs: [{ source: 'ova', destination: { storageClass: 'default' } }],
  });
  const plan = {
    name: 'bench',
    ...ends,
    networkMapping: 'nets',
    storageMapping: 'disks',
    skipGuestConversion: true,
    maxConcurrentMigrations: 1,
  };
  await call('plans.create', { ...plan, vms: vms.map(({ name }) => ({ ref: name })) });
  ready();
  await call('plans.start', {}, { plan: 'bench' });
}

/** Milliseconds of one append that is durable when it returns: the median of many. */
async function durableAppend(path) {
  const log = await openLog(path);
  const took = [];
  for (let n = 0; n < 200; n += 1) {
    const event = {
      id: randomUUID(),
      type: 'StepCompleted',
      version: 1,
      time: new Date().toISOString(),
      data: { n },
      correlationId: 'bench',
      causationId: 'bench',
      actor: { kind: 'system', name: 'bench', authenticatedBy: 'process' },
    };
    const begun = performance.now();
    await log.append('bench', [event], n === 0 ? 'no-stream' : n - 1);
    took.push(performance.now() - begun);
  }
  await log.close();
  return percentile(
    took.sort((a, b) => a - b),
    0.5,
  );
}
