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

/** A fact, and the number of the report that carried it first. */
interface Said<T> {
  readonly what: T;
  readonly number: number;
}

/**
 * Everything that an attempt has to report and the log has not confirmed yet. Each change gets the next report number, and the
 * newest report repeats all unconfirmed ones. Confirmed facts are dropped, so a report does not grow with the attempt's
 * duration. Pure.
 */
export class CumulativeReport {
  readonly #ref: AttemptRef;
  /** Claimed resources: key → number of the report with the claim; 0: claimed by the job itself. */
  readonly #standing = new Map<string, number>();
  readonly #claimed = new Map<string, Said<Resource>>();
  readonly #adopted = new Map<string, Said<Resource>>();
  readonly #released = new Map<string, Said<Release>>();
  readonly #conditions = new Map<string, Said<Condition>>();
  readonly #checkpoints = new Map<string, Said<DiskCheckpoint>>();
  #outcome: StepOutcome | undefined;
  #number: number;
  #confirmed: number;

  /**
   * @param lastReport number of this attempt's last report that is in the log
   * @param ledger resources that were claimed before and not released
   */
  constructor(ref: AttemptRef, lastReport: number, ledger: readonly Resource[]) {
    this.#ref = ref;
    this.#number = this.#confirmed = lastReport;
    for (const resource of ledger) this.#standing.set(resourceKey(resource), 0);
  }

  /** @returns the number of the report that must be in the log before the resources may be made */
  claim(resources: readonly Resource[]): number {
    const missing = resources.filter((resource) => !this.#standing.has(resourceKey(resource)));
    if (missing.length > 0) this.#number += 1;
    for (const resource of missing) {
      const key = resourceKey(resource);
      this.#standing.set(key, this.#number);
      this.#claimed.set(key, this.#said(resource));
      this.#released.delete(key);
    }
    return Math.max(0, ...resources.map((resource) => this.#standing.get(resourceKey(resource)) ?? 0));
  }

  adopt(resources: readonly Resource[]): void {
    this.#number += 1;
    for (const resource of resources) this.#adopted.set(resourceKey(resource), this.#said(resource));
  }

  release(releases: readonly Release[]): void {
    this.#number += 1;
    for (const release of releases) {
      const key = resourceKey(release.resource);
      this.#standing.delete(key);
      // Reported as released only, so that the newest report does not claim it again.
      this.#claimed.delete(key);
      this.#released.set(key, this.#said(release));
    }
  }

  checkpoint(checkpoints: readonly DiskCheckpoint[]): void {
    this.#number += 1;
    for (const checkpoint of checkpoints) this.#checkpoints.set(checkpoint.diskId, this.#said(checkpoint));
  }

  raise(condition: Condition): void {
    this.#number += 1;
    this.#conditions.set(condition.type, this.#said(condition));
  }

  end(outcome: StepOutcome): void {
    this.#outcome = outcome;
    this.#number += 1;
  }

  /**
   * Ends the attempt with only its outcome, because the report is too large to send. The omitted facts do no harm: nothing was
   * made for a claim that is not in the log, a released resource will be found absent, and a copy continues from an earlier
   * checkpoint.
   */
  endOnly(outcome: StepOutcome): void {
    for (const said of this.#all) said.clear();
    this.end(outcome);
  }

  /** The planner has logged up to this report, so its facts need not be repeated. */
  confirm(lastReport: number): void {
    this.#confirmed = Math.max(this.#confirmed, lastReport);
    for (const said of this.#all)
      for (const [key, { number }] of said) if (number <= this.#confirmed) said.delete(key);
  }

  get #all(): readonly Map<string, Said<unknown>>[] {
    return [this.#claimed, this.#adopted, this.#released, this.#conditions, this.#checkpoints];
  }

  readonly #said = <T>(what: T): Said<T> => ({ what, number: this.#number });

  hasConfirmed(number: number): boolean {
    return this.#confirmed >= number;
  }

  /** Whether everything reported is in the log. */
  get isConfirmed(): boolean {
    return this.#confirmed >= this.#number;
  }

  /** The present report. */
  get current(): Report {
    return {
      ref: this.#ref,
      number: this.#number,
      claimed: whats(this.#claimed),
      ...(this.#adopted.size === 0 ? {} : { adopted: whats(this.#adopted) }),
      released: whats(this.#released),
      conditions: whats(this.#conditions),
      checkpoints: whats(this.#checkpoints),
      ...(this.#outcome === undefined ? {} : { outcome: this.#outcome }),
    };
  }
}

const whats = <T>(said: ReadonlyMap<string, Said<T>>): T[] => [...said.values()].map(({ what }) => what);
