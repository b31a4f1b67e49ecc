import {
  type AttemptRef,
  type Condition,
  type DiskCheckpoint,
  type Release,
  type Report,
  type Resource,
  resourceKey,
  type StepOutcome,
} from '@ledgerlift/contracts';

/**
 * All that one attempt has to say, as one report that grows: each change gives it the next number, and the newest
 * says what all before it said. Pure.
 */
export class ReportBook {
  readonly #ref: AttemptRef;
  /** Resources that stand in the log as claimed: key → number of the report that said so; 0: from the job. */
  readonly #standing = new Map<string, number>();
  readonly #claimed = new Map<string, Resource>();
  readonly #adopted = new Map<string, Resource>();
  readonly #released = new Map<string, Release>();
  readonly #conditions = new Map<string, Condition>();
  readonly #checkpoints = new Map<string, DiskCheckpoint>();
  #outcome: StepOutcome | undefined;
  #number: number;
  #confirmed: number;

  /**
   * @param lastReport number of this attempt's last report that is in the log
   * @param ledger what was claimed before and is not released
   */
  constructor(ref: AttemptRef, lastReport: number, ledger: readonly Resource[]) {
    this.#ref = ref;
    this.#number = this.#confirmed = lastReport;
    for (const resource of ledger) this.#standing.set(resourceKey(resource), 0);
  }

  /** @returns the number of the report that has to be in the log before the resources may be made */
  claim(resources: readonly Resource[]): number {
    const missing = resources.filter((resource) => !this.#standing.has(resourceKey(resource)));
    if (missing.length > 0) this.#number += 1;
    for (const resource of missing) {
      const key = resourceKey(resource);
      this.#standing.set(key, this.#number);
      this.#claimed.set(key, resource);
      this.#released.delete(key);
    }
    return Math.max(0, ...resources.map((resource) => this.#standing.get(resourceKey(resource)) ?? 0));
  }

  adopt(resources: readonly Resource[]): void {
    for (const resource of resources) this.#adopted.set(resourceKey(resource), resource);
    this.#number += 1;
  }

  release(releases: readonly Release[]): void {
    for (const release of releases) {
      const key = resourceKey(release.resource);
      this.#standing.delete(key);
      // Said as released only: whoever reads the newest report must not claim it once more.
      this.#claimed.delete(key);
      this.#released.set(key, release);
    }
    this.#number += 1;
  }

  checkpoint(checkpoints: readonly DiskCheckpoint[]): void {
    for (const checkpoint of checkpoints) this.#checkpoints.set(checkpoint.diskId, checkpoint);
    this.#number += 1;
  }

  raise(condition: Condition): void {
    this.#conditions.set(condition.type, condition);
    this.#number += 1;
  }

  end(outcome: StepOutcome): void {
    this.#outcome = outcome;
    this.#number += 1;
  }

  /** The planner said up to where it has logged. */
  confirm(lastReport: number): void {
    this.#confirmed = Math.max(this.#confirmed, lastReport);
  }

  hasConfirmed(number: number): boolean {
    return this.#confirmed >= number;
  }

  /** Whether all that was said is in the log. */
  get isConfirmed(): boolean {
    return this.#confirmed >= this.#number;
  }

  /** The report as of now. */
  get current(): Report {
    return {
      ref: this.#ref,
      number: this.#number,
      claimed: [...this.#claimed.values()],
      ...(this.#adopted.size === 0 ? {} : { adopted: [...this.#adopted.values()] }),
      released: [...this.#released.values()],
      conditions: [...this.#conditions.values()],
      checkpoints: [...this.#checkpoints.values()],
      ...(this.#outcome === undefined ? {} : { outcome: this.#outcome }),
    };
  }
}
