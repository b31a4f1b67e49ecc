import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { StepResult } from '@ledgerlift/contracts';
import {
  applianceEnvironment,
  attemptOf,
  guest,
  guestImage,
  LabHypervisor,
  type RecordedAttempt,
  type TemporaryFolder,
  temporaryFolder,
} from '@ledgerlift/testing';
import { readConverterSettings } from '../config.js';
import { labVm, type LabVm } from '../spec/lab-vm.js';
import { hangs, processesIn, stubSettings } from '../spec/stub.js';
import { preflightInspection } from './preflight-inspection.js';

const MiB = 2 ** 20;
const LONG = 900_000;
const LOG = 'default/web/logs/preflight-inspection.log';
let lab: LabHypervisor;
let folder: TemporaryFolder;
beforeAll(async () => {
  lab = await LabHypervisor.start();
});
afterAll(() => lab.stop());
beforeEach(() => {
  folder = temporaryFolder('inspection');
});
afterEach(() => folder.remove());

const running = (): Promise<LabVm> =>
  labVm(lab, folder.path, {
    name: 'web',
    disks: [
      { id: 'a', capacityBytes: 8 * MiB, seed: 1 },
      { id: 'b', capacityBytes: 4 * MiB, seed: 2 },
    ],
  });

const asked = ({ record, snapshot }: LabVm, results: readonly StepResult[] = []): RecordedAttempt =>
  attemptOf(record, { step: 'PreflightInspection', results, pass: { kind: 'full', round: 0, snapshot } });
const inspect = (attempt: RecordedAttempt, env: Record<string, string> = {}): Promise<StepResult> =>
  preflightInspection(stubSettings(folder.path, env))(attempt);

/** Files left on the converter's machine outside the target. */
const scratch = (): string[] => readdirSync(folder.path).filter((name) => name.startsWith('ledgerlift-v2v-'));

describe('the inspection of a guest before it is copied', () => {
  it('inspects the snapshot of its source, and reports its findings', async () => {
    const attempt = asked(await running());
    const result = await inspect(attempt);
    expect(result).toMatchObject({
      step: 'PreflightInspection',
      log: LOG,
      inspection: { osName: 'debian12', family: 'linux', rootDevice: '/dev/sda1', bootDisk: 0 },
    });
    expect(readFileSync(folder.file(LOG), 'utf8')).toContain('stub of virt-v2v');
    expect(attempt.claimed.map(({ kind, lifetime }) => `${kind} ${lifetime}`)).toEqual([
      'log evidence',
      'writer-record resume',
    ]);
    expect(attempt.releases).toHaveLength(1);
    expect(scratch()).toEqual([]);
  });

  it('writes nothing to the source', async () => {
    const vm = await running();
    const before = await lab.do('GET', `/vms/${vm.id}`);
    await inspect(asked(vm));
    await inspect(asked(vm), { V2V_STUB: 'error', V2V_STUB_ERROR: 'disk is full' }).catch(() => undefined);
    expect(await lab.do('GET', `/vms/${vm.id}`)).toEqual(before);
  });

  it('runs once, whatever is repeated after it', async () => {
    const known: StepResult = { step: 'PreflightInspection', log: LOG };
    const attempt = asked(await running(), [known]);
    expect(await inspect(attempt, { V2V_STUB: 'error', V2V_STUB_ERROR: 'no root' })).toBe(known);
    expect(attempt.claimed).toEqual([]);
  });

  it.each([
    ['LL-CONV-010', 'inspection could not detect the source guest (or physical machine)'],
    ['LL-CONV-011', 'virt-v2v is unable to convert this guest type (linux/slackware)'],
    ['LL-CONV-013', 'not enough free space for conversion on filesystem /'],
  ])('fails permanently (%s) if the guest cannot be converted', async (code, text) => {
    const failure = inspect(asked(await running()), { V2V_STUB: 'error', V2V_STUB_ERROR: text });
    await expect(failure).rejects.toMatchObject({ code, failure: 'permanent' });
    expect(scratch()).toEqual([]);
  });

  it('accepts a guest whose file systems only show that it runs, with a condition', async () => {
    const attempt = asked(await running());
    const text = 'filesystem was mounted read-only, even though we asked for it to be mounted read-write';
    expect(await inspect(attempt, { V2V_STUB: 'error', V2V_STUB_ERROR: text })).toEqual({
      step: 'PreflightInspection',
      log: LOG,
    });
    expect(attempt.conditions).toMatchObject([{ type: 'InspectionInconclusive', reason: 'LL-CONV-015' }]);
  });

  it('does not mistake an unreadable source for a damaged guest', async () => {
    const env = { V2V_STUB: 'error', V2V_STUB_ERROR: 'e2fsck: Input/output error' };
    await expect(inspect(asked(await running()), env)).rejects.toMatchObject({
      code: 'LL-CONV-040',
      failure: 'transient',
    });
  });

  it('requests another snapshot if that one is gone', async () => {
    const vm = await running();
    await lab.removeSnapshot(vm.id, vm.snapshot.name);
    await expect(inspect(asked(vm))).rejects.toMatchObject({ outcome: 'snapshot-lost' });
  });

  it('is stopped even if virt-v2v hangs, and leaves no process and no file', async () => {
    const attempt = asked(await running());
    const reason = new Error('canceled');
    const ended = expect(inspect(attempt, { V2V_STUB: 'hang' })).rejects.toBe(reason);
    await hangs(attempt);
    attempt.stop(reason);
    await ended;
    expect(processesIn(folder.path)).toEqual([]);
    expect(scratch()).toEqual([]);
  });

  it('has its own time limit', async () => {
    const env = { V2V_STUB: 'hang', LEDGERLIFT_V2V_INSPECTION_TIMEOUT_S: '1' };
    await expect(inspect(asked(await running()), env)).rejects.toMatchObject({
      code: 'LL-CONV-021',
      message: expect.stringContaining('LEDGERLIFT_V2V_INSPECTION_TIMEOUT_S'),
    });
    expect(processesIn(folder.path)).toEqual([]);
  });

  it(
    'of a real Debian guest by the real virt-v2v-inspector has the same findings as its conversion',
    async () => {
      const from = { path: await guestImage(), format: 'raw' } as const;
      const disks = [{ id: 'root', capacityBytes: guest.sizeBytes, from }];
      const vm = await labVm(lab, folder.path, { name: 'real', disks, workload: { roundsPerSecond: 0 } });
      const settings = readConverterSettings({ ...process.env, ...applianceEnvironment() });
      expect(await preflightInspection(settings)(asked(vm))).toMatchObject({
        inspection: {
          osName: 'debian12',
          arch: 'x86_64',
          family: 'linux',
          rootDevice: '/dev/sda1',
          firmware: 'bios',
          bootDisk: 0,
        },
      });
    },
    LONG,
  );

  it(
    'of a disk without a system by the real one fails permanently',
    async () => {
      const settings = readConverterSettings({ ...process.env, ...applianceEnvironment() });
      await expect(preflightInspection(settings)(asked(await running()))).rejects.toMatchObject({
        code: 'LL-CONV-010',
        failure: 'permanent',
      });
    },
    LONG,
  );
});
