#!/usr/bin/env node
import { LedgerliftError } from '@ledgerlift/contracts';
import { Command } from 'commander';
import { ApiRefused } from './api-client.js';
import { auditCommands } from './commands/audit.js';
import { catalogCommands } from './commands/catalog.js';
import { contextOf } from './commands/context.js';
import { doctorCommand } from './commands/doctor.js';
import { downCommand } from './commands/down.js';
import { eventCommands } from './commands/events.js';
import { natsKeysCommand } from './commands/nats-keys.js';
import { runCommands } from './commands/run.js';
import { steerCommands } from './commands/steer.js';
import { upCommand } from './commands/up.js';
import { roleCommands } from './commands/roles.js';
import { conditionLines } from './terminal/pipeline.js';

const program = new Command('ledgerlift')
  .description('moves virtual machines to KubeVirt')
  .option('--url <url>', "the planner's address", process.env['LEDGERLIFT_URL'] ?? 'http://127.0.0.1:7420')
  .option('--as <user>', 'your user name for the history', process.env['LEDGERLIFT_USER'])
  .option('--json', 'print JSON, one value per line')
  .showHelpAfterError();
const context = contextOf(program);
upCommand(program);
downCommand(program);
catalogCommands(program, context);
runCommands(program, context);
steerCommands(program, context);
eventCommands(program, context);
doctorCommand(program, context);
roleCommands(program, context);
natsKeysCommand(program, context);
auditCommands(program, context);

try {
  await program.parseAsync();
} catch (error) {
  report(error);
  process.exitCode = 1;
}

function report(error: unknown): void {
  if (!(error instanceof LedgerliftError)) {
    console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return;
  }
  if (context.json()) {
    const { conditions = [], rows = [] } = error instanceof ApiRefused ? error : {};
    console.error(JSON.stringify({ error: { ...error.details(), conditions, rows } }));
    return;
  }
  const field = error.field === undefined ? '' : ` (${error.field})`;
  console.error(`${error.code}${field} ${error.message}`);
  if (!(error instanceof ApiRefused)) return;
  for (const line of conditionLines(error.conditions)) console.error(`  ${line}`);
  for (const { line, column = '', value = '', problem } of error.rows)
    console.error(`  line ${line}  ${column.padEnd(12)}  ${value === '' ? '' : `'${value}' `}${problem}`);
}
