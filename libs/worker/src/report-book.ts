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

/** What was said, and the number of the report that said it first. */
interface Said<T> {
  readonly what: T;
  readonly number: number;
}

/**
 * All that one attempt has to say and that is not in the log yet, as one report: each change gives it the next number,
 * and the newest says what all before it said. What the log has confirmed is left out, so that a report does not grow
 * with the time that an attempt takes. Pure.
 */
export class ReportBook {
  readonly #ref: AttemptRef;
  /** Resources that stand in the log as claimed: key → number of the report that said so; 0: from the job. */
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
      // Said as released only: whoever reads the newest report must not claim it once more.
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
   * Ends the attempt with nothing but its outcome: for a report that is too large to be sent. What is left out does no
   * harm. Nothing was made for a claim that is not in the log, what was released is found absent, and a copy goes on from
   * an earlier checkpoint.
   */
  endOnly(outcome: StepOutcome): void {
    for (const said of this.#all) said.clear();
    this.end(outcome);
  }

  /** The planner said up to where it has logged: that need not be said again. */
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

  /** Whether all that was said is in the log. */
  get isConfirmed(): boolean {
    return this.#confirmed >= this.#number;
  }

  /** The report as of now. */
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
