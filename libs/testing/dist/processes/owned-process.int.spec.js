import { afterEach, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { PeerFailed } from '../errors.js';
import { OwnedProcess, stopAllProcesses } from './index.js';
afterEach(stopAllProcesses);
const shell = (script) => OwnedProcess.start({ name: 'shell', command: 'sh', args: ['-c', script] });
async function runs(pid) {
    try {
        const status = await readFile(`/proc/${pid}/stat`, 'utf8');
        return !/\) Z /.test(status);
    }
    catch {
        return false;
    }
}
describe('a process of a test', () => {
    it('is ready when it says so', async () => {
        const process = await shell('sleep 0.1; echo it is ready; exec sleep 60');
        expect(await process.waitForLine(/ready/)).toBe('it is ready');
    });
    it('is reported with its output when it ends before it is ready', async () => {
        const process = await shell('echo no such luck >&2; exit 3');
        await expect(process.waitForLine(/ready/)).rejects.toThrow(PeerFailed);
        expect(process.output).toContain('no such luck');
        expect(await process.ended).toEqual({ code: 3, signal: null });
    });
    it('is killed alone, and its children with its group', async () => {
        const process = await shell('sleep 60 & echo child $!; wait');
        const child = Number((await process.waitForLine(/child/)).split(' ')[1]);
        await process.kill();
        expect(await runs(child)).toBe(true);
        await process.killGroup();
        await new Promise((resolve) => setTimeout(resolve, 100));
        expect(await runs(child)).toBe(false);
    });
    it('is killed when it does not heed SIGTERM', async () => {
        const process = await shell('trap "" TERM; echo up; while :; do sleep 0.1; done');
        await process.waitForLine(/up/);
        expect(await process.stop(200)).toEqual({ code: null, signal: 'SIGKILL' });
    });
    it('starts again under the same name with a changed environment', async () => {
        const process = await shell('echo "value ${VALUE:-none}"; exec sleep 60');
        await process.waitForLine(/value none/);
        await process.restart({ VALUE: 'two' });
        expect(await process.waitForLine(/value/)).toBe('value two');
    });
});
//# sourceMappingURL=owned-process.int.spec.js.map