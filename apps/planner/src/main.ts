import { withoutCoreDumps } from '@ledgerlift/processes';
import { createLogger, endGracefully } from '@ledgerlift/service';
import { readPlannerConfig } from './config.js';
import { type Planner, startPlanner } from './planner.js';

const logger = createLogger('planner', 'info');
let planner: Planner | undefined;
endGracefully({ logger, steps: [{ name: 'planner', run: async () => planner?.stop() }] });
try {
  // The planner reads inventories, so its memory holds the passwords of sources.
  await withoutCoreDumps();
  planner = await startPlanner(readPlannerConfig(), () => {
    // No orderly end: that would append, and the other planner leads already.
    logger.fatal('another planner took over the log, because this one was silent for too long');
    process.exit(1);
  });
} catch (error) {
  logger.fatal({ reason: error instanceof Error ? error.message : String(error) }, 'cannot start');
  process.exit(1);
}
