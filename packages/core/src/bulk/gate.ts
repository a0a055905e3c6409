/** When a process may make calls: not while none would succeed. */

// The first and the longest pause after calls that QQ certainly did not carry out (ms).
const firstPauseMillis = 1_000
const longestPauseMillis = 60_000

/** The gate of one process. Times are monotonic milliseconds. */
export class Gate {
  #closedUntil = -Infinity
  #closedAt = -Infinity
  #pause = firstPauseMillis

  /** Milliseconds until calls may be made. */
  wait(now: number): number {
    return Math.max(0, this.#closedUntil - now)
  }

  /**
   * Closes the gate for a pause, or for `wait` if that is longer, because a call that was begun at `began` had no
   * success. Calls that were begun together close it once.
   */
  close(began: number, now: number, wait: number): void {
    this.#closedUntil = Math.max(this.#closedUntil, now + wait)
    if (began <= this.#closedAt) return
    this.#closedAt = now
    this.#closedUntil = Math.max(this.#closedUntil, now + this.#pause)
    this.#pause = Math.min(longestPauseMillis, this.#pause * 2)
  }

  /** QQ answered. */
  open(): void {
    this.#pause = firstPauseMillis
  }
}
