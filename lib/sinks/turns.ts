// Tasks that must not run at the same time, by what they are about.

/** Runs tasks of one key one after the other; those of other keys do not wait. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `task` when the earlier ones of `key` have ended, however they did. */
  async take<T>(key: string, task: () => Promise<T>): Promise<T> {
    const earlier = this.#last.get(key) ?? Promise.resolve();
    const own = earlier.catch(() => undefined).then(task);
    this.#last.set(key, own);
    return await own;
  }
}
