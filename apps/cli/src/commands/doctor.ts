import { existsSync } from 'node:fs';
import { runTool, sandboxState } from '@ledgerlift/processes';
import type { Command } from 'commander';
import { type Row, table } from '../terminal/table.js';
import type { CommandsContext } from './context.js';
import { extensions, readersOfDisks } from './doctor-sources.js';

interface Tool {
  readonly name: string;
  readonly args: readonly string[];
  /** Finds the version in what the tool prints. */
  readonly version: RegExp;
  readonly for: string;
  /** How to get it on Debian. */
  readonly get: string;
}

const tools: readonly Tool[] = [
  {
    name: 'nats-server',
    args: ['--version'],
    version: /: v(\S+)/,
    for: 'the bus',
    get: 'apt-get install nats-server',
  },
  {
    name: 'qemu-nbd',
    args: ['--version'],
    version: /(\d[\d.]+)/,
    for: 'transfer: reading and writing disks',
    get: 'apt-get install qemu-utils',
  },
  {
    name: 'qemu-img',
    args: ['--version'],
    version: /version (\S+)/,
    for: 'transfer and converter: disks and overlays',
    get: 'apt-get install qemu-utils',
  },
  {
    name: 'nbdkit',
    args: ['--version'],
    version: /nbdkit (\S+)/,
    for: 'transfer: sources in several parts',
    get: 'apt-get install nbdkit',
  },
  {
    name: 'setpriv',
    args: ['--version'],
    version: /(\d[\d.]+)/,
    for: 'all services: children end with their service',
    get: 'apt-get install util-linux',
  },
  {
    name: 'virt-v2v-in-place',
    args: ['--version'],
    version: /(\d[\d.]+)/,
    for: 'converter: making the guest boot on virtio',
    get: 'apt-get install virt-v2v',
  },
  {
    name: 'nbdinfo',
    args: ['--version'],
    version: /(\d[\d.]+)/,
    for: 'virt-v2v, which fails late without it',
    get: 'apt-get install libnbd-bin',
  },
  {
    name: 'qemu-system-x86_64',
    args: ['--version'],
    version: /version (\S+)/,
    for: 'vm-creator: the boot proof; converter: its appliance',
    get: 'apt-get install qemu-system-x86',
  },
];

export function doctorCommand(program: Command, context: CommandsContext): void {
  program
    .command('doctor')
    .description('say what is installed on this machine, what is missing, and how to get it')
    .action(async () => {
      const loaded = await extensions(process.env);
      const [found, disks] = await Promise.all([
        Promise.all(tools.map(look)),
        readersOfDisks(process.env, () => context.api().all('providers.list')),
      ]);
      const rows: Row[] = [
        { name: 'node', state: process.version, use: 'all services', get: '' },
        ...found,
        await sandbox(),
        ...loaded,
        ...disks,
        ...environment(),
      ];
      console.log(table(rows, ['name', 'state', 'use', 'get']));
      if (rows.some(({ state }) => state === 'missing' || state === 'wrong')) process.exitCode = 1;
    });
}

async function look(tool: Tool): Promise<Row> {
  const state = await runTool(tool.name, tool.args, { timeoutMs: 20_000 })
    .then(({ stdout, stderr }) => tool.version.exec(stdout + stderr)?.[1] ?? 'present')
    .catch(() => 'missing');
  return { name: tool.name, state, use: tool.for, get: state === 'missing' ? tool.get : '' };
}

/** Without it, tools that open foreign images see all of the machine. */
async function sandbox(): Promise<Row> {
  const state = await sandboxState();
  const required = process.env['LEDGERLIFT_SANDBOX'] === 'required';
  return {
    name: 'sandbox',
    state: state.kind === 'available' ? 'present' : required ? 'missing' : 'absent',
    use: 'transfer, converter, vm-creator: tools that open disks see only those',
    get:
      state.kind === 'available'
        ? ''
        : `apt-get install bubblewrap, and allow it to make namespaces (${state.problem})`,
  };
}

function environment(): readonly Row[] {
  const kvm = existsSync('/dev/kvm');
  // supermin, which builds virt-v2v's appliance, stops where /lib/modules does not exist, even if it is never used.
  const modules = existsSync('/lib/modules');
  return [
    {
      name: '/dev/kvm',
      state: kvm ? 'present' : 'absent',
      use: 'converter and boot proof: fast; slow without it',
      get: '',
    },
    {
      name: '/lib/modules',
      state: modules ? 'present' : 'missing',
      use: "virt-v2v's appliance",
      get: modules ? '' : 'mkdir /lib/modules',
    },
  ];
}
