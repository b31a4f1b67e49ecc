import { copyFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { applyStubMarker, buildOva, makeSmallDisk } from '@ledgerlift/testing';
import { Installation, SERVICES } from './installation/installation.js';
import { disksAreEqual, filesBelow, judgeLog, missingOnBus } from './installation/judge.js';

const MiB = 1024 * 1024;
/** So many runs, each with kills of its own; a run is repeated by naming its seed. */
const RUNS = Number(process.env['LEDGERLIFT_KILL_RUNS'] ?? 12);
const SEED = Number(process.env['LEDGERLIFT_KILL_SEED'] ?? 1);

let at: Installation;
beforeAll(async () => {
  at = await Installation.start({ env: { V2V_STUB_SECONDS: '0.7' } });
  await makeSmallDisk(at.folder.file('disk.raw'), { size: 16 * MiB, seed: 7 });
  await copyFile(at.folder.file('disk.raw'), at.folder.file('converted.raw'));
  await applyStubMarker(at.folder.file('converted.raw'), 0);
  const disks = [{ raw: at.folder.file('disk.raw') }];
  const nics = [{ network: 'VM Network' }];
  await buildOva({ name: 'killed', folder: at.folder.file('ovas'), vms: [{ name: 'killed', disks, nics }] });
  await at.prepare();
});
afterAll(() => at[Symbol.asyncDispose](), 60_000);

/** A small generator of our own, so that a seed always means the same kills. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

type Fault = (typeof SERVICES)[number] | 'nats' | 'nats-data' | 'everything';
const faults: readonly Fault[] = [...SERVICES, 'nats', 'nats-data', 'everything'];

async function strike(fault: Fault): Promise<void> {
  switch (fault) {
    case 'nats':
      return at.nats.restart();
    case 'nats-data':
      return at.nats.wipeAndRestart();
    case 'everything':
      await Promise.all([at.nats.kill(), ...SERVICES.map((name) => at.service(name).kill())]);
      await at.nats.restart();
      await Promise.all(SERVICES.map((name) => at.service(name).restart()));
      return;
    default:
      await at.service(fault).kill();
      await at.service(fault).restart();
  }
}

describe('kill -9 at random moments of a migration', () => {
  it.each(Array.from({ length: RUNS }, (_, run) => SEED + run))(
    'seed %i: it succeeds all the same, with nothing lost or left',
    async (seed) => {
      const chance = random(seed);
      const name = `killed-${seed}`;
      const targetName = name;
      const vms = [{ ref: 'killed', targetName }];
      const migration = await at.migrate(name, [], { vms, bandwidthLimit: 10 * MiB });
      const kills = 1 + Math.floor(chance() * 3);
      for (let kill = 0; kill < kills; kill += 1) {
        await new Promise((resolve) => setTimeout(resolve, chance() * 2500));
        await strike(faults[Math.floor(chance() * faults.length)] ?? 'planner');
      }
      await at.succeeded(migration);
      const vm = await at.vm(migration);
      const out = at.folder.file('out', 'default', targetName);
      expect(vm.disks).toHaveLength(1);
      expect(disksAreEqual(at.folder.file('converted.raw'), `${out}/${targetName}-disk-0.raw`)).toBe(true);
      expect(filesBelow(out)).toEqual([
        '.ledgerlift.json',
        `${targetName}-disk-0.raw`,
        'logs/virt-v2v.log',
        'manifests/domain.xml',
        'manifests/pvc-0.yaml',
        'manifests/vm.yaml',
      ]);
      const { findings, ids } = await judgeLog(at.logFile);
      expect(findings).toBe(0);
      expect(new Set(ids).size).toBe(ids.length);
      expect(await missingOnBus(at.nats.url, ids)).toEqual([]);
    },
    120_000,
  );
});
