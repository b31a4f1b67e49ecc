import type { Progress, ScheduleLimits } from '@ledgerlift/contracts';
import type { EventLog } from '@ledgerlift/event-log';
import type { EventWriter } from '../../log/event-writer.js';
import { LogFeed } from '../../log/log-feed.js';
import { ProcessManager, type ProcessManagerOptions } from '../process-manager.js';
import { RunStates } from '../run-states.js';
import { Runs } from '../runs.js';

export interface RunsUnderTestOptions extends Partial<ProcessManagerOptions> {
  readonly limits: ScheduleLimits;
  readonly progressOf?: (stream: string) => Progress | undefined;
}

/** The deciding part of a planner, composed as in planner.ts. */
export class RunsUnderTest {
  readonly states: RunStates;
  readonly processes: ProcessManager;
  readonly runs: Runs;
  readonly feed: LogFeed;

  constructor(log: EventLog, writer: EventWriter, options: RunsUnderTestOptions) {
    const { limits, progressOf = () => undefined, ...rest } = options;
    this.states = new RunStates(log, writer, limits);
    this.processes = new ProcessManager(this.states, {
      presence: () => ({ absences: [], isAway: false }),
      stop: () => undefined,
      failed: (_what, error) => {
        throw error;
      },
      ...rest,
    });
    this.runs = new Runs(log, this.states, this.processes, progressOf);
    this.feed = new LogFeed(log);
    this.feed.add((event) => this.states.restore(event));
    this.feed.add((event) => this.processes.follow(event));
  }

  /** @param beforeReacting called when the log was read, before the first reaction */
  async begin(beforeReacting: () => void = () => undefined): Promise<void> {
    await this.feed.start();
    beforeReacting();
    await this.processes.begin();
  }

  async stop(): Promise<void> {
    this.processes.stop();
    await this.feed.stop();
  }
}
