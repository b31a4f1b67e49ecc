/** Work under one key is done one after another, in the order in which it came; work under other keys is not held up. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** @throws what `work` throws; whoever comes next is not affected */
  take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => undefined);
    this.#last.set(key, settled);
    void settled.then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    return turn;
  }
}
