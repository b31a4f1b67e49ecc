import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { StepName } from '@ledgerlift/contracts';
import { guest } from '@ledgerlift/testing';
import { type Installation, SERVICES } from '../installation/installation.js';
import { filesBelow, judgeLog, missingOnBus } from '../installation/judge.js';
import { startWithGuestOva } from '../installation/real-guest.js';

const MINUTES = 60_000;
/** More migrations of the real guest, each with two kills at moments that follow from its number. */
const MORE_RUNS = Number(process.env['LEDGERLIFT_REAL_KILL_RUNS'] ?? 0);

let at: Installation;
beforeAll(async () => {
  at = await startWithGuestOva();
}, 10 * MINUTES);
afterAll(() => at[Symbol.asyncDispose](), MINUTES);

const start = (name: string): Promise<string> =>
  at.migrate(name, [], { vms: [{ ref: 'guest', targetName: name }], bootProof: true });

/** Resolves when the step's worker says something like this. */
async function hears(migration: string, step: StepName, pattern: RegExp): Promise<void> {
  const deadline = Date.now() + 5 * MINUTES;
  for (;;) {
    const { pipeline, state } = await at.vm(migration);
    const found = pipeline.find((each) => each.step === step);
    if (found?.status === 'Running' && pattern.test(found.message ?? '')) return;
    if (Date.now() > deadline || ['succeeded', 'failed', 'canceled'].includes(state))
      throw new Error(
        `the VM is ${state} and ${step} never said ${String(pattern)}: ${JSON.stringify(found)}`,
      );
    await delay(50);
  }
}

/** What virt-v2v and its helpers run on the installation's disks. */
function workersOnDisks(): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return /^(\S*\/)?(virt-v2v|qemu-)/.test(command) && command.includes(at.folder.path) ? [command] : [];
    } catch {
      return [];
    }
  });
}

async function strike(victim: string): Promise<void> {
  const service = SERVICES.find((name) => name === victim);
  if (service !== undefined) {
    await at.service(service).kill();
    await at.service(service).restart();
  } else if (victim === 'nats-data') await at.nats.wipeAndRestart();
  else {
    await Promise.all([at.nats.kill(), ...SERVICES.map((name) => at.service(name).kill())]);
    await at.nats.restart();
    await Promise.all(SERVICES.map((name) => at.service(name).restart()));
  }
}

/** What must hold of a guest that was migrated, whatever happened on the way. */
async function expectMigrated(migration: string, name: string): Promise<void> {
  await at.succeeded(migration, 15 * MINUTES);
  const vm = await at.vm(migration);
  expect(vm.inspection).toMatchObject({ osName: 'debian12', firmware: 'bios', bootDisk: 0 });
  expect(vm.capabilities).toMatchObject({ diskBus: 'virtio', nicModel: 'virtio' });
  expect(vm.bootProof).toMatchObject({ booted: true });
  expect(vm.disks).toEqual([expect.objectContaining({ size: guest.sizeBytes })]);
  expect(filesBelow(at.folder.file('out', 'default', name))).toEqual([
    '.ledgerlift.json',
    'logs/boot-proof.log',
    'logs/virt-v2v.log',
    'manifests/domain.xml',
    'manifests/pvc-0.yaml',
    'manifests/vm.yaml',
    `${name}-disk-0.raw`,
  ]);
  expect(workersOnDisks()).toEqual([]);
  const { findings, ids } = await judgeLog(at.logFile);
  expect(findings).toBe(0);
  expect(new Set(ids).size).toBe(ids.length);
  expect(await missingOnBus(at.nats.url, ids)).toEqual([]);
}

describe('a real guest whose conversion is killed', () => {
  it(
    'leaves nothing running, and boots on virtio in the end',
    async () => {
      const migration = await start('real-killed');
      await hears(migration, 'ImageConversion', /^Inspecting the source/);
      expect(workersOnDisks()).not.toEqual([]);
      await at.service('converter').kill();
      await delay(3000);
      // Nobody had to clean up: what the converter started ended with it.
      expect(workersOnDisks()).toEqual([]);
      await at.service('converter').restart();
      await hears(migration, 'ImageConversion', /^Converting /);
      await strike('everything');
      await expectMigrated(migration, 'real-killed');
      const { pipeline } = await at.vm(migration);
      expect(pipeline.find(({ step }) => step === 'ImageConversion')?.attempts).toBeGreaterThanOrEqual(3);
    },
    25 * MINUTES,
  );

  for (let run = 1; run <= MORE_RUNS; run += 1)
    it(
      `ends the same after kills at any moment (run ${run})`,
      async () => {
        const name = `real-run-${run}`;
        const migration = await start(name);
        const victims = [...SERVICES, 'nats-data', 'everything'];
        for (const share of [(0.37 * run) % 1, (0.61 * run) % 1]) {
          await delay(2000 + share * MINUTES);
          await strike(victims[Math.floor(share * victims.length)] ?? 'everything');
        }
        await expectMigrated(migration, name);
      },
      25 * MINUTES,
    );
});
