// One plan of ten thousand VMs through the real planner, its log and a real nats-server: started, killed and restarted in
// the middle, run to its end, then started once more and canceled as a whole. Its VMs come from the inventory of a lab
// without disks (bench/fleet/lab.mjs), and real workers with handlers that are done at once (bench/fleet/worker.mjs) take
// the steps: what is measured is the planner. Peer: the same with a thousand VMs in the same run, so that a ratio of 1
// means that nothing grows with the number of VMs; of the restart, plain node:sqlite reading and parsing the same log.
import { DatabaseSync } from 'node:sqlite';
import { auditVerify, openLogForReading } from '@ledgerlift/event-log';
import { Fleet } from './fleet/installation.mjs';

const LARGE = Number(process.env.FLEET_VMS ?? 10_000);
const SMALL = LARGE / 10;

export async function run(emit) {
  const small = await measure(SMALL);
  const large = await measure(LARGE);
  const peer = `${SMALL} VMs`;
  const row = (name, unit, value, peerValue, who = peer) =>
    emit({ name, value, unit, peer: who, peerValue, ratio: Number((value / peerValue).toFixed(2)) });
  row('fleet.vms-per-second', 'VMs/s', large.rate, small.rate);
  row('fleet.step-p99', 'ms', large.stepP99, small.stepP99);
  row('fleet.planner-rss', 'MiB', large.rss, small.rss);
  row('fleet.rss-per-vm', 'KiB', large.rssPerVm, small.rssPerVm);
  row('fleet.restart', 's', large.restart, large.plainRead, 'node:sqlite and JSON.parse alone');
  row('fleet.start', 's', large.start, small.start);
  row('fleet.cancel', 's', large.cancel, small.cancel);
  row('fleet.view', 'ms', large.view, small.view);
}

async function measure(count) {
  const fleet = await Fleet.start(count);
  try {
    const idle = fleet.memory('VmRSS');
    const tell = (what) => process.env.FLEET_VERBOSE && console.error(count, what);
    const begun = performance.now();
    const id = await fleet.startPlan();
    const start = seconds(begun);
    tell({ start });
    await fleet.reaches(id, ({ counts }) => counts.succeeded >= count / 2);
    const killedAt = Date.now();
    await fleet.killPlanner();
    const restart = await fleet.startPlanner();
    const away = { from: killedAt, to: Date.now() };
    tell({ restart });
    const ended = await fleet.reaches(id, ({ completedAt }) => completedAt !== undefined);
    const rate = round(count / seconds(begun));
    const rss = fleet.memory('VmHWM');
    tell({ rate, rss, ...ended.counts });
    check(ended.counts.succeeded, count, 'VMs that succeeded');
    const view = await time(20, () => fleet.migration(id));
    const log = await examine(fleet.logFile, away);
    tell(log);

    const again = await fleet.startPlan();
    await fleet.reaches(again, ({ counts }) => counts.succeeded >= count / 20);
    const asked = performance.now();
    await fleet.call('plans.cancel', { reason: 'enough' }, { plan: 'fleet' });
    const canceled = await fleet.reaches(again, ({ completedAt }) => completedAt !== undefined, 100);
    const cancel = seconds(asked);
    tell({ cancel, ...canceled.counts });
    check(canceled.counts.succeeded + canceled.counts.canceled, count, 'VMs that are at an end');
    await fleet.stop();
    return {
      rate,
      start,
      restart,
      rss,
      rssPerVm: round(((rss - idle) * 1024) / count),
      view,
      cancel,
      ...log,
    };
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}

/**
 * What the log says: that its chains are whole, and how long each request waited for its claim. What waited for the planner
 * that was killed is left out: in a small fleet it would be more than the hundredth that p99 is about.
 */
async function examine(path, away) {
  const log = await openLogForReading(path);
  const { findings, events } = await auditVerify(log);
  await log.close();
  check(findings.length, 0, 'findings of the audit');
  const db = new DatabaseSync(path, { readOnly: true });
  const requested = new Map();
  const waits = [];
  const begun = performance.now();
  for (const { content } of db.prepare('SELECT * FROM events ORDER BY position').iterate()) {
    const { type, stream, time, data } = JSON.parse(content);
    if (type !== 'StepRequested' && type !== 'StepStarted') continue;
    const key = `${stream}/${data.step}/${data.attempt}`;
    const at = Date.parse(time);
    if (type === 'StepRequested') requested.set(key, at);
    else if (requested.get(key) > away.to || at < away.from) waits.push(at - requested.get(key));
  }
  const plainRead = seconds(begun);
  db.close();
  waits.sort((a, b) => a - b);
  const stepP99 = waits[Math.floor(waits.length * 0.99)];
  return { stepP50: waits[Math.floor(waits.length / 2)], stepP99, plainRead, events };
}

/** The median in milliseconds. */
async function time(times, work) {
  const took = [];
  for (let n = 0; n < times; n += 1) {
    const begun = performance.now();
    await work();
    took.push(performance.now() - begun);
  }
  return round(took.sort((a, b) => a - b)[Math.floor(times / 2)]);
}

const seconds = (since) => round((performance.now() - since) / 1000);
const round = (value) => Number(value.toFixed(2));

function check(actual, expected, what) {
  if (actual !== expected) throw new Error(`${actual} ${what}, not ${expected}`);
}
