import type { ScheduleLimits } from '@ledgerlift/contracts';
import { type VmState, fairShares } from '@ledgerlift/migration';

/** Bytes a second for each copy: its own limit, or its fair share of what all may use. */
export class Bandwidth {
  #shares: ReadonlyMap<string, number | undefined> | undefined;
  #total: number | undefined;

  constructor(
    private readonly copying: () => ReadonlySet<string>,
    private readonly vm: (stream: string) => VmState,
  ) {}

  /** Who copies has changed: shares are worked out anew when somebody asks. */
  changed(): void {
    this.#shares = undefined;
  }

  of(stream: string, { bytesPerSecond }: ScheduleLimits): number | undefined {
    if (bytesPerSecond === undefined) return this.#limitOf(stream);
    if (this.#shares === undefined || this.#total !== bytesPerSecond) {
      this.#total = bytesPerSecond;
      this.#shares = fairShares(
        bytesPerSecond,
        [...this.copying()].map((key) => {
          const limit = this.#limitOf(key);
          return { key, ...(limit === undefined ? {} : { limit }) };
        }),
      );
    }
    return this.#shares.get(stream);
  }

  #limitOf(stream: string): number | undefined {
    return this.vm(stream)?.record.settings.bandwidthLimit;
  }
}
