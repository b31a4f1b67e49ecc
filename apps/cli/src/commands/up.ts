import type { Command } from 'commander';
import { LedgerliftError } from '@ledgerlift/contracts';
import { endMarked } from '@ledgerlift/processes';
import { BadOption } from '../errors.js';
import {
  accepts,
  defaultDataDir,
  holderOf,
  type InstallationOptions,
  portsOf,
  stagesOf,
  tryLockDataDir,
} from '../supervisor/installation.js';
import { type ProcessNews, runUntilSignal } from '../supervisor/supervisor.js';

/** Another program listens on a port that the installation needs. */
class PortTaken extends LedgerliftError {
  readonly code = 'LL-CLI-004';
  constructor(port: number, option: string) {
    super(
      `port ${port} is in use on 127.0.0.1; stop the program that listens there, or choose another port with ${option}`,
    );
  }
}

/** Two installations on one data directory would write the same JetStream store. */
class DataDirInUse extends LedgerliftError {
  readonly code = 'LL-CLI-008';
  constructor(dataDir: string, pid: number | undefined) {
    const holder = pid === undefined ? 'another process' : `process ${pid}`;
    super(
      `${holder} already runs Ledgerlift in ${dataDir}; stop it with 'ledgerlift down --data-dir ${dataDir}', or choose ` +
        'another folder with --data-dir',
      { field: '--data-dir' },
    );
  }
}

/** For processes that a killed `up` left: they were told to end when it died, and get this long to do so. */
const LEFTOVER_GRACE_MS = 10_000;

interface UpOptions {
  readonly dataDir: string;
  readonly port: string;
  readonly natsPort: string;
  readonly natsServer: string;
  readonly natsUrl?: string;
}

export function upCommand(program: Command): void {
  program
    .command('up')
    .description('start NATS and the four services on this machine, and restart any process that exits')
    .option('--data-dir <folder>', 'folder of the event log, NATS and the logs', defaultDataDir())
    .option('--port <port>', 'port of the API; the workers use the next three', '7420')
    .option('--nats-port <port>', 'port of NATS', '7430')
    .option('--nats-server <command>', 'the nats-server to run', 'nats-server')
    .option(
      '--nats-url <url>',
      'use a running NATS instead of starting one; credentials from the LEDGERLIFT_NATS_* variables',
    )
    .action(async (options: UpOptions) => {
      await up({
        dataDir: options.dataDir,
        httpPort: portOf(options.port, '--port'),
        natsPort: portOf(options.natsPort, '--nats-port'),
        natsServer: options.natsServer,
        ...(options.natsUrl === undefined ? {} : { natsUrl: options.natsUrl }),
      });
    });
}

async function up(options: InstallationOptions): Promise<void> {
  const lock = await tryLockDataDir(options.dataDir);
  if (lock === undefined) throw new DataDirInUse(options.dataDir, (await holderOf(options.dataDir))?.pid);
  try {
    const prepare = async (): Promise<Awaited<ReturnType<typeof stagesOf>>> => {
      await lock.publish();
      const leftBehind = await endMarked(lock.mark, {
        graceMs: LEFTOVER_GRACE_MS,
        patienceMs: Number.POSITIVE_INFINITY,
      });
      for (const { pid } of leftBehind.found)
        console.log(`ended process ${pid}, left behind by an earlier 'ledgerlift up'`);
      for (const [port, option] of portsOf(options))
        if (await accepts(port)) throw new PortTaken(port, option);
      return stagesOf(options, lock.mark);
    };
    await runUntilSignal(prepare, tell, () =>
      console.log(
        `Ledgerlift is up: http://127.0.0.1:${options.httpPort}/api/v1, data in ${options.dataDir}. Ctrl-C stops it.`,
      ),
    );
  } finally {
    await lock.release();
  }
}

function tell(name: string, news: ProcessNews, detail: string): void {
  const time = new Date().toISOString().slice(11, 19);
  console.log(`${time}  ${name.padEnd(10)}  ${news}${detail === '' ? '' : ` (${detail})`}`);
}

function portOf(text: string, option: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_533) return port;
  throw new BadOption(option, text, 'must be a port number');
}
