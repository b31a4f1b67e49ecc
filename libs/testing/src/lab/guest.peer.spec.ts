import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { guest, guestImage } from '../guest/index.js';
import { until } from '../until.js';
import { LabHypervisor } from './index.js';
import { bring, changeId, readAll } from './spec/copy.js';

let lab: LabHypervisor;
beforeAll(async () => {
  lab = await LabHypervisor.start();
  const from = { path: await guestImage(), format: 'raw' } as const;
  const { user, password } = guest;
  await lab.createVm({
    id: 'real',
    name: 'real',
    engine: 'qemu',
    memoryBytes: 512 * 1024 * 1024,
    login: { user, password },
    disks: [{ id: 'root', capacityBytes: guest.sizeBytes, from }],
  });
}, 300_000);
afterAll(() => lab.stop());

const where = (snapshot: string) => ({ vm: 'real', snapshot, disk: 'root' });
const vm = async () =>
  (await lab.do('GET', '/vms/real')) as { readonly power: string; readonly guestUp: boolean };
const tell = (command: string) => lab.do('POST', '/vms/real/guest', { command });

const untilIt = (what: string, wanted: (now: Awaited<ReturnType<typeof vm>>) => boolean): Promise<void> =>
  until(what, async () => wanted(await vm()), 500_000);

describe('a real guest in the lab', () => {
  it('is copied while it runs, by changes, up to what it held when it shut itself down', async () => {
    await lab.power('real', 'on');
    await untilIt('the guest', ({ guestUp }) => guestUp);
    await tell(
      '(while :; do busybox dd if=/dev/urandom of=/root/busy bs=64k count=8 2>/dev/null; sync; done) &',
    );
    await lab.createSnapshot('real', 'one');
    const copy = await readAll(lab, where('one'));
    expect((await readAll(lab, where('one'))).equals(copy)).toBe(true);
    await tell('echo kept > /root/kept; sync');
    await lab.createSnapshot('real', 'two');
    const bytes = await bring(lab, copy, where('two'), await changeId(lab, where('one')));
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(copy.length / 4);
    expect(copy.equals(await readAll(lab, where('two')))).toBe(true);
    await lab.power('real', 'shutdown');
    await untilIt('the power-off', ({ power }) => power === 'off');
    await lab.createSnapshot('real', 'three');
    await bring(lab, copy, where('three'), await changeId(lab, where('two')));
    expect(copy.equals(await readAll(lab, where('three')))).toBe(true);
    expect(copy.includes('kept\n')).toBe(true);
    await lab.power('real', 'on');
    await untilIt('the guest', ({ guestUp }) => guestUp);
    expect(await tell('cat /root/kept')).toEqual({ output: 'kept' });
  }, 1_200_000);
});
