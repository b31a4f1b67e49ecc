import { mkdir, rm, writeFile } from 'node:fs/promises';
import { freePort, OwnedProcess } from '../processes/index.js';
import { temporaryFolder } from '../temporary-folder.js';
import { natsBinary, wantedNatsVersion } from './nats-binaries.js';
/**
 * Starts a server and waits until it is ready.
 *
 * @throws PeerMissing when the version is not installed, PeerFailed when it does not start
 */
export async function startNats(options = {}) {
    const { version = wantedNatsVersion(), auth } = options;
    const binary = natsBinary(version);
    const port = options.port ?? (await freePort());
    const folder = temporaryFolder('nats');
    const storeDir = options.storeDir ?? folder.file('data');
    await mkdir(storeDir, { recursive: true });
    const config = folder.file('nats.conf');
    // A file, for a password in the arguments could be read by everyone on the machine.
    await writeFile(config, configuration(port, storeDir, auth), { mode: 0o600 });
    const server = await OwnedProcess.start({ name: 'nats-server', command: binary, args: ['-c', config] });
    const ready = () => server.waitForLine(/Server is ready/);
    const restart = async () => {
        await server.restart();
        await ready();
    };
    const stop = async () => {
        await server.stop(5000);
        await folder.remove();
    };
    try {
        await ready();
    }
    catch (error) {
        await stop();
        throw error;
    }
    return {
        url: `nats://127.0.0.1:${port}`,
        port,
        version,
        storeDir,
        process: server,
        stop,
        kill: async () => {
            await server.kill();
        },
        pause: () => {
            server.pause();
        },
        resume: () => {
            server.resume();
        },
        restart,
        wipeAndRestart: async () => {
            await server.kill();
            await rm(storeDir, { recursive: true, force: true });
            await restart();
        },
        [Symbol.asyncDispose]: stop,
    };
}
function configuration(port, storeDir, auth) {
    const lines = [`listen: "127.0.0.1:${port}"`, `jetstream { store_dir: ${JSON.stringify(storeDir)} }`];
    if (auth !== undefined) {
        const fields = Object.entries(auth).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
        lines.push(`authorization { ${fields.join(', ')} }`);
    }
    return `${lines.join('\n')}\n`;
}
//# sourceMappingURL=nats-server.js.map