import { Chance } from '@ledgerlift/testing';

export type Engine = 'sqlite' | 'postgres';

/** Longer than this, a silent owner is replaced. */
export const LEASE_MS = 1000;

/** `owner`: whichever writer was acknowledged last; else one of the writers by its number. */
export type Victim = 'owner' | number;

export type FaultScript = { readonly afterMs: number } & (
  | { readonly kind: 'kill'; readonly victim: Victim }
  | { readonly kind: 'pause'; readonly victim: Victim; readonly ms: number }
  /** The owner is stopped for as long as nobody else appends. */
  | { readonly kind: 'pause-until-replaced' }
  /** Connections end, and new ones are refused for a while. */
  | { readonly kind: 'cut'; readonly victim: Victim | 'all'; readonly ms: number }
  /** Connections stay open, and nothing comes through. */
  | { readonly kind: 'hold'; readonly victim: Victim | 'all'; readonly ms: number }
  | { readonly kind: 'kill-server' }
);

export type FaultKind = FaultScript['kind'];

/** SQLite has neither connections nor a server, and nobody replaces an owner that lives. */
const WEIGHTS: Readonly<Record<Engine, readonly (readonly [number, FaultKind])[]>> = {
  sqlite: [
    [3, 'kill'],
    [2, 'pause'],
  ],
  postgres: [
    [5, 'kill'],
    [5, 'pause'],
    [2, 'pause-until-replaced'],
    [4, 'cut'],
    [3, 'hold'],
    [2, 'kill-server'],
  ],
};

/** What happens to a run, without end: the same seed always gives the same faults. */
export function* drawFaults(engine: Engine, seed: number, writers: number): Generator<FaultScript> {
  const chance = new Chance(seed);
  const victim = (): Victim => (chance.once(4) ? chance.below(writers) : 'owner');
  const reach = (): Victim | 'all' => (chance.once(3) ? 'all' : victim());
  for (;;) {
    const afterMs = 100 + chance.below(1500);
    const kind = chance.weighted(WEIGHTS[engine]);
    const ms = 50 + chance.below(2 * LEASE_MS);
    switch (kind) {
      case 'kill':
        yield { afterMs, kind, victim: victim() };
        break;
      case 'pause':
        yield { afterMs, kind, victim: victim(), ms };
        break;
      case 'cut':
      case 'hold':
        yield { afterMs, kind, victim: reach(), ms };
        break;
      default:
        yield { afterMs, kind };
    }
  }
}
