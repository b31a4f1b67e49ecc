import { type RunState, decideRunCompletion, decideWaveAfter, wavesOf } from '@ledgerlift/migration';
import type { DecidedStreams } from '../log/decided-streams.js';
import { runStream } from './stream-names.js';
import { systemContext } from './system-context.js';
import type { VmIndex } from './vm-index.js';

/** Sees when a wave, or a whole run, is over. Counts come from the index, so that looking costs the same for any run. */
export class RunEnds {
  constructor(
    private readonly runs: DecidedStreams<RunState | undefined>,
    private readonly index: VmIndex,
    /** A wave begins: its VMs want places. */
    private readonly waveStarted: (migrationId: string) => Promise<void>,
  ) {}

  /** To be called when a VM of the run came to an end; idempotent. */
  async look(migrationId: string): Promise<void> {
    await this.#startWaveAfter(migrationId);
    await this.#complete(migrationId);
  }

  async #startWaveAfter(migrationId: string): Promise<void> {
    const stream = runStream(migrationId);
    const run = this.runs.state(stream);
    if (run === undefined || run.wave >= (wavesOf(run.started).at(-1) ?? 1)) return;
    const { events } = await this.runs.execute(
      stream,
      (state) => {
        const last = state && this.index.of(migrationId).waves.get(state.wave);
        return state === undefined || last === undefined ? [] : decideWaveAfter(state, last);
      },
      systemContext(stream),
    );
    if (events.length > 0) await this.waveStarted(migrationId);
  }

  async #complete(migrationId: string): Promise<void> {
    const stream = runStream(migrationId);
    const { open, phases } = this.index.of(migrationId);
    if (this.runs.state(stream) === undefined || open.size > 0) return;
    const { succeeded, failed, canceled } = phases;
    const counts = { succeeded, failed, canceled, rolledBack: phases['rolled-back'] };
    await this.runs.execute(
      stream,
      (state) => (state === undefined ? [] : decideRunCompletion(state, counts)),
      systemContext(stream),
    );
  }
}
