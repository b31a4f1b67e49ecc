import { existsSync } from 'node:fs';
import { ExtensionModules, LedgerliftError, type ProviderView } from '@ledgerlift/contracts';
import { loadExtensions } from '@ledgerlift/extensions';
import { runTool, sandboxState } from '@ledgerlift/processes';
import { sourceProviders } from '@ledgerlift/providers';
import type { Command } from 'commander';
import { z } from 'zod';
import { type Row, table } from '../terminal/table.js';
import type { CommandsContext } from './context.js';

interface Tool {
  readonly name: string;
  readonly for: string;
  /** Debian's package. */
  readonly package: string;
}

const tools: readonly Tool[] = [
  { name: 'nats-server', for: 'the bus', package: 'nats-server' },
  { name: 'qemu-nbd', for: 'transfer: reading and writing disks', package: 'qemu-utils' },
  { name: 'qemu-img', for: 'transfer and converter: disks and overlays', package: 'qemu-utils' },
  { name: 'nbdkit', for: 'transfer: sources in several parts', package: 'nbdkit' },
  { name: 'setpriv', for: 'all services: child processes end with their service', package: 'util-linux' },
  { name: 'virt-v2v-in-place', for: 'converter: making the guest boot on virtio', package: 'virt-v2v' },
  { name: 'nbdinfo', for: 'virt-v2v, which fails late without it', package: 'libnbd-bin' },
  {
    name: 'qemu-system-x86_64',
    for: 'vm-creator: the boot proof; converter: its appliance',
    package: 'qemu-system-x86',
  },
];

export function doctorCommand(program: Command, context: CommandsContext): void {
  program
    .command('doctor')
    .description('list installed and missing tools on this machine, and how to get them')
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

/** Every tool prints its version as the first number with a dot. */
const VERSION = /\d+\.[\d.]+/;

async function look({ name, for: use, package: debian }: Tool): Promise<Row> {
  const state = await runTool(name, ['--version'], { timeoutMs: 20_000 })
    .then(({ stdout, stderr }) => VERSION.exec(stdout + stderr)?.[0] ?? 'present')
    .catch(() => 'missing');
  return { name, state, use, get: state === 'missing' ? `apt-get install ${debian}` : '' };
}

/** Without a sandbox, tools that open foreign images can read the whole machine. */
async function sandbox(): Promise<Row> {
  const state = await sandboxState();
  const required = process.env['LEDGERLIFT_SANDBOX'] === 'required';
  return {
    name: 'sandbox',
    state: state.kind === 'available' ? 'present' : required ? 'missing' : 'absent',
    use: 'transfer, converter, vm-creator: tools that open disks can access only those disks',
    get:
      state.kind === 'available'
        ? ''
        : `apt-get install bubblewrap, and allow it to create namespaces (${state.problem})`,
  };
}

function environment(): readonly Row[] {
  const kvm = existsSync('/dev/kvm');
  // supermin, which builds virt-v2v's appliance, fails without /lib/modules, even though it never uses it.
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

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Loads the modules in LEDGERLIFT_EXTENSIONS, as the services do at their start, which adds their providers to
 * `sourceProviders()`. Each module is loaded together with the previous ones, so that two modules with the same type
 * are reported too.
 *
 * @returns one row for each module, `wrong` if no service would start with it
 */
export async function extensions({ LEDGERLIFT_EXTENSIONS: setting }: Environment): Promise<readonly Row[]> {
  const name = 'LEDGERLIFT_EXTENSIONS';
  const { data: modules, error } = ExtensionModules.safeParse(setting);
  if (setting === undefined || setting === '') return [];
  if (error !== undefined)
    return [wrong(name, 'all services', 'name absolute paths or packages, separated by single commas')];
  const loaded: string[] = [];
  const rows: Row[] = [];
  for (const module of modules) {
    const use = `all services, by ${name}`;
    try {
      await loadExtensions([...loaded, module]);
      loaded.push(module);
      rows.push({ name: module, state: 'present', use, get: '' });
    } catch (cause) {
      rows.push(wrong(module, use, inWords(cause)));
    }
  }
  return rows;
}

/** Checks the tools that read disks, for each kind of source. A machine that reads no such disks needs none. */
export async function readersOfDisks(
  env: Environment,
  sources: () => Promise<readonly ProviderView[]>,
): Promise<readonly Row[]> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const rows = sourceProviders().map(async ({ type, requirements }): Promise<readonly Row[]> => {
    if (requirements === undefined) return [];
    const { data, error } = z.object(requirements.variables).safeParse(set);
    if (error !== undefined) {
      const names = [...new Set(error.issues.map(({ path: [variable] }) => String(variable)))];
      return names.map((name) => {
        const wanted = requirements.variables[name]?.description ?? 'a value that its source accepts';
        return wrong(name, `services that read disks of ${type}`, `set it to ${wanted}`);
      });
    }
    try {
      const reports = await requirements.report(await requirements.look(data), sources);
      return reports.map((report): Row => ({ ...report }));
    } catch (cause) {
      return [wrong(type, 'its disks', inWords(cause))];
    }
  });
  return (await Promise.all(rows)).flat();
}

const wrong = (name: string, use: string, get: string): Row => ({ name, state: 'wrong', use, get });

const inWords = (error: unknown): string =>
  error instanceof LedgerliftError
    ? `${error.code} ${error.message}`
    : error instanceof Error
      ? error.message
      : String(error);
