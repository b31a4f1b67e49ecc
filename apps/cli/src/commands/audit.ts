import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { LedgerliftError } from '@ledgerlift/contracts';
import {
  auditVerify,
  type Exported,
  exportLog,
  importLog,
  isDatabase,
  openLog,
  openLogForReading,
  shownPlace,
  verifyExport,
} from '@ledgerlift/event-log';
import type { Command } from 'commander';
import { BadOption } from '../errors.js';
import { type CommandsContext, show } from './context.js';

const PLACE = 'path of the log, or the URL of its database; leave passwords out of it (PGPASSFILE)';

interface ExportOptions {
  readonly out: string;
  readonly installation: string;
}

/** `audit`: commands on the log itself. They need no planner. */
export function auditCommands(program: Command, context: CommandsContext): void {
  const audit = program.command('audit').description('check, export and import the event log');
  audit
    .command('verify')
    .argument('[place]', PLACE)
    .option('--export <file>', 'check an exported file instead of a log; - for standard input')
    .description('check that every event is as it was logged; exit status 1 if not')
    .action(async (place: string | undefined, given: { readonly export?: string }) => {
      if ((place === undefined) === (given.export === undefined))
        throw new BadOption('--export', given.export ?? '', 'name a log or an exported file, not both');
      if (given.export !== undefined) tell(context, 'intact', await verifyExport(linesOf(given.export)));
      else if (place !== undefined) await verifyLog(context, place);
    });
  audit
    .command('export')
    .argument('<place>', PLACE)
    .requiredOption('--out <file>', 'a new file; - for standard output')
    .option('--installation <name>', 'name in the source of the CloudEvents', 'ledgerlift')
    .description('write the log as JSON Lines of CloudEvents, after checking it; a planner may run meanwhile')
    .action(async (place: string, given: ExportOptions) => {
      const log = await openExisting(place);
      try {
        const exported = await write(exportLog(log, shownPlace(place), given.installation), given.out);
        if (given.out !== '-' && exported !== undefined) tell(context, 'exported', exported);
      } finally {
        await log.close();
      }
    });
  audit
    .command('import')
    .argument('<place>', PLACE)
    .requiredOption('--from <file>', 'an exported file; - for standard input')
    .description(
      'import an export into an empty log; repeat it if it was interrupted. Stop the planner first',
    )
    .action(async (place: string, { from }: { readonly from: string }) => {
      const log = await openLog(place, {
        onWaiting: () => context.warn('another process owns the log; waiting until it exits'),
      });
      try {
        tell(context, 'imported', await importLog(log, shownPlace(place), linesOf(from)));
      } finally {
        await log.close();
      }
    });
}

/** @returns undefined if the reader of the standard output has gone */
async function write(lines: AsyncGenerator<string, Exported>, out: string): Promise<Exported | undefined> {
  let exported: Exported | undefined;
  const text = async function* () {
    for (;;) {
      const { done, value } = await lines.next();
      if (done === true) {
        exported = value;
        return;
      }
      yield `${value}\n`;
    }
  };
  // Never over an existing file: it may be the only export of another log.
  const file = out === '-' ? process.stdout : createWriteStream(out, { flags: 'wx', mode: 0o600 });
  try {
    await pipeline(Readable.from(text()), file, { end: out !== '-' });
  } catch (error) {
    if (error instanceof LedgerliftError) throw error;
    if (out === '-') {
      process.exitCode = 1;
      return undefined;
    }
    throw new BadOption('--out', out, `cannot be written (${(error as Error).message}); name a new file`);
  }
  return exported;
}

async function verifyLog(context: CommandsContext, place: string): Promise<void> {
  const log = await openExisting(place);
  try {
    const audit = await auditVerify(log);
    show(context, audit, ({ events, streams, findings }) =>
      [
        `${events} events in ${streams} streams; ${findings.length === 0 ? 'intact' : `${findings.length} findings:`}`,
        ...findings.map(({ kind, stream, ...more }) => `  ${kind}  ${stream}  ${JSON.stringify(more)}`),
      ].join('\n'),
    );
    if (audit.findings.length > 0) process.exitCode = 1;
  } finally {
    await log.close();
  }
}

/** Opening an SQLite log must not create one: a mistyped path would verify as an empty log. */
async function openExisting(place: string) {
  if (!isDatabase(place)) await stat(place).catch(() => missing('place', place));
  return openLogForReading(place);
}

async function* linesOf(file: string): AsyncIterable<string> {
  if (file !== '-') await stat(file).catch(() => missing('file', file));
  const input = file === '-' ? process.stdin : createReadStream(file);
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}

function missing(what: string, path: string): never {
  throw new BadOption(what, path, 'there is no such file');
}

const tell = (context: CommandsContext, what: string, exported: Exported): void =>
  show(context, exported, ({ events, digest }) => `${what}: ${events} events, digest ${digest}`);
