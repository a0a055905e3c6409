/** T6: limits the fetches of a program's token while the store is unavailable: 3 in 10 minutes. */

const maxFetches = 3
const windowMillis = 600_000

/** The budget of one program in this process. Times are monotonic milliseconds. */
export class FetchBudget {
  #fetchedAt: ReadonlyArray<number> = []
  #fetchingUntil = 0

  /** Whether another call seems to be fetching. */
  isFetching(now: number): boolean {
    return now < this.#fetchingUntil
  }

  /** How many fetches were made in the last 10 minutes. */
  spent(now: number): number {
    return this.#fetchedAt.filter((time) => time > now - windowMillis).length
  }

  /**
   * Takes one fetch, which ends at `until` at the latest. Returns `undefined` if the budget is used up, else a function
   * to call when the fetch ends. `madeNone` says that QQ certainly issued no token; then the fetch is not counted.
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
