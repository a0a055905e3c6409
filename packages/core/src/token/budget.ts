/** T6: how often a process may fetch a program's token while the store is away. */

const maxFetches = 3
const windowMillis = 600_000

/** The budget of one program in this process. Times are monotonic milliseconds. */
export class AloneBudget {
  #fetchedAt: ReadonlyArray<number> = []
  #fetchingUntil = 0

  /** Whether another call is thought to be fetching. */
  isFetching(now: number): boolean {
    return now < this.#fetchingUntil
  }

  /** Fetches in the last 10 minutes. */
  spent(now: number): number {
    return this.#fetchedAt.filter((time) => time > now - windowMillis).length
  }

  /**
   * Takes one fetch that is over at `until` at the latest, unless the budget is spent. Gives what to call at its end:
   * `madeNone` is true when it is certain that QQ made no token, so that none was killed.
   */
  take(now: number, until: number): ((madeNone: boolean) => void) | undefined {
    this.#fetchedAt = this.#fetchedAt.filter((time) => time > now - windowMillis)
    if (this.#fetchedAt.length >= maxFetches) return undefined
    this.#fetchedAt = [...this.#fetchedAt, now]
    this.#fetchingUntil = until
    return (madeNone) => {
      // Another call may be fetching by now.
      if (this.#fetchingUntil === until) this.#fetchingUntil = 0
      if (madeNone) this.#fetchedAt = this.#fetchedAt.filter((time) => time !== now)
    }
  }
}
