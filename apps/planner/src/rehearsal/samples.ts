/** Older ones say less of how it is now. */
const KEPT = 50;

/** The last values of each of several measures. */
export class Samples {
  readonly #values = new Map<string, number[]>();

  add(name: string, value: number): void {
    const values = this.#values.get(name) ?? [];
    values.push(value);
    if (values.length > KEPT) values.shift();
    this.#values.set(name, values);
  }

  names(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** How many of them are kept. */
  count(name: string): number {
    return this.#values.get(name)?.length ?? 0;
  }

  /** The median, which one VM that took for ever does not move; undefined where there is no value. */
  median(name: string): number | undefined {
    const sorted = (this.#values.get(name) ?? []).toSorted((one, other) => one - other);
    const middle = sorted.length / 2;
    const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
    return low === undefined || high === undefined ? undefined : (low + high) / 2;
  }
}
