import { connect } from 'node:net';
import type { Command } from 'commander';
import { LedgerliftError } from '@ledgerlift/contracts';
import { BadOption } from '../errors.js';
import { type InstallationOptions, defaultDataDir, processesOf } from '../supervisor/installation.js';
import { type ProcessNews, SupervisedProcess } from '../supervisor/supervised-process.js';

/** Something else listens where the installation wants to. */
class PortTaken extends LedgerliftError {
  readonly code = 'LL-CLI-004';
  constructor(port: number, option: string) {
    super(`port ${port} is taken on 127.0.0.1; is Ledgerlift up already? Else choose another with ${option}`);
  }
}

const GRACE_MS = 20_000;

export function upCommand(program: Command): void {
  program
    .command('up')
    .description('start NATS and the four services on this machine, and start again whichever dies')
    .option('--data-dir <folder>', 'where the event log, NATS and the logs live', defaultDataDir())
    .option('--port <port>', 'port of the API; the workers use the next three', '7420')
    .option('--nats-port <port>', 'port of NATS', '7430')
    .option('--nats-server <command>', 'the nats-server to run', 'nats-server')
    .action(async (options: { dataDir: string; port: string; natsPort: string; natsServer: string }) => {
      await up({
        dataDir: options.dataDir,
        httpPort: portOf(options.port, '--port'),
        natsPort: portOf(options.natsPort, '--nats-port'),
        natsServer: options.natsServer,
      });
    });
}

async function up(options: InstallationOptions): Promise<void> {
  if (await isTaken(options.natsPort)) throw new PortTaken(options.natsPort, '--nats-port');
  if (await isTaken(options.httpPort)) throw new PortTaken(options.httpPort, '--port');
  const processes = (await processesOf(options)).map((spec) => new SupervisedProcess(spec, tell));
  const stopped = Promise.withResolvers<void>();
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    void stopAll(processes).then(stopped.resolve, stopped.reject);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const [nats, planner, ...workers] = processes;
  await nats?.start();
  await planner?.start();
  await Promise.all(workers.map((worker) => worker.start()));
  if (!isStopping)
    console.log(
      `Ledgerlift is up: http://127.0.0.1:${options.httpPort}/api/v1, data in ${options.dataDir}. Ctrl-C stops it.`,
    );
  await stopped.promise;
}

/** Workers first, so that they can still report; the bus last. */
async function stopAll(processes: readonly SupervisedProcess[]): Promise<void> {
  const [nats, planner, ...workers] = processes;
  await Promise.all(workers.map((worker) => worker.stop(GRACE_MS)));
  await planner?.stop(GRACE_MS);
  await nats?.stop(GRACE_MS);
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

const isTaken = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
