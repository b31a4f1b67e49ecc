import type { Outcome, Resource, ServiceName, StepError, StepName } from '@ledgerlift/contracts';
import type { VmPhase } from '../vm/state.js';
import { itinerary, record } from './fixtures.js';

/** What a cold VM does, written without its decider, which specifications compare with it. */
export class ColdVmModel {
  phase: VmPhase = 'planned';
  /** Index in the itinerary. */
  at = 0;
  open: { readonly step: StepName; readonly attempt: number; readonly isClaimed: boolean } | undefined;
  /** The step whose next attempt is scheduled. */
  retry: StepName | undefined;
  isCanceled = false;
  isAbandoned = false;
  readonly ledger = new Set<Resource>();
  readonly #attempts = new Map<StepName, number>();
  #failures = 0;
  #lost = 0;
  #outcome: Outcome = 'failed';
  #release: Resource[] = [];

  get step(): StepName | undefined {
    return itinerary[this.at]?.step;
  }

  get hasEnded(): boolean {
    return this.phase in LIFETIMES;
  }

  admit(): void {
    this.phase = 'running';
    this.#requestStep();
  }

  claim(): void {
    if (this.open !== undefined) this.open = { ...this.open, isClaimed: true };
  }

  complete(): void {
    const isCleanup = this.open?.step === 'Cleanup';
    const asked = this.#asked();
    this.#afresh();
    if (isCleanup) {
      for (const resource of asked) this.ledger.delete(resource);
      return this.#clean(asked);
    }
    this.at += 1;
    if (this.isCanceled) this.#end('canceled');
    else if (this.step === undefined) this.#end('succeeded');
    else this.#requestStep();
  }

  fail(error: StepError, why: 'reported' | 'lost'): void {
    const step = this.open?.step;
    if (why === 'lost') this.#lost += 1;
    else this.#failures += 1;
    this.open = undefined;
    const { maxRetries, maxLost } = record.settings.retry;
    if (this.isCanceled && this.phase === 'running') this.#end('canceled');
    else if (error.class === 'transient' && this.#failures <= maxRetries && this.#lost <= maxLost)
      this.retry = step;
    else if (this.phase === 'cleaning') {
      const given = this.#asked();
      this.#afresh();
      this.#clean(given);
    } else if (error.class === 'needs-operator') this.phase = 'held';
    else this.#end('failed');
  }

  progress(): void {
    this.#failures = 0;
    this.#lost = 0;
  }

  due(): void {
    if (this.retry === 'Cleanup') this.#request('Cleanup');
    else if (this.retry !== undefined) this.#requestStep();
  }

  cancel(): void {
    this.isCanceled = true;
    if (this.open?.isClaimed !== true) this.#end('canceled');
  }

  retryNow(): void {
    if (this.phase === 'running') return this.#requestStep();
    this.#afresh();
    this.phase = 'planned';
  }

  abandon(): void {
    this.isAbandoned = true;
    this.#end('failed', ['result', 'resume', 'temporary']);
  }

  #requestStep(): void {
    const { step, claims } = itinerary[this.at] ?? {};
    for (const resource of claims ?? []) this.ledger.add(resource);
    if (step !== undefined) this.#request(step);
  }

  #request(step: StepName): void {
    const attempt = (this.#attempts.get(step) ?? 0) + 1;
    this.#attempts.set(step, attempt);
    this.retry = undefined;
    this.open = { step, attempt, isClaimed: false };
  }

  #end(outcome: Outcome, lifetimes = LIFETIMES[outcome]): void {
    this.#afresh();
    this.#outcome = outcome;
    this.#release = [...this.ledger].filter(({ lifetime }) => lifetimes.includes(lifetime));
    this.#clean([]);
  }

  /** One service after the other; what one could not release is kept. */
  #clean(asked: readonly Resource[]): void {
    this.#release = this.#release.filter((resource) => !asked.includes(resource));
    if (this.#release.length === 0) this.phase = this.#outcome;
    else {
      this.phase = 'cleaning';
      this.#request('Cleanup');
    }
  }

  #asked(): readonly Resource[] {
    const service = ORDER.find((each) => this.#release.some((resource) => resource.service === each));
    return this.#release.filter((resource) => resource.service === service);
  }

  #afresh(): void {
    this.open = undefined;
    this.retry = undefined;
    this.progress();
  }
}

const ORDER: readonly ServiceName[] = ['vm-creator', 'converter', 'transfer'];
/** What is released at the end. */
const LIFETIMES: Readonly<Record<Outcome, readonly Resource['lifetime'][]>> = {
  succeeded: ['temporary', 'resume'],
  failed: ['temporary'],
  canceled: ['temporary', 'resume', 'result', 'evidence'],
  'rolled-back': ['temporary', 'resume'],
};
