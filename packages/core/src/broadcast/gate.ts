/** When a process may send: not in the quiet hours, and not while nothing can be sent. */

// The first and the longest pause after messages that certainly were not sent (ms).
const firstPauseMillis = 1_000
const longestPauseMillis = 60_000

/** The gate of one process. Times are monotonic milliseconds. */
export class Gate {
  #closedUntil = -Infinity
  #closedAt = -Infinity
  #pause = firstPauseMillis

  /** Milliseconds until messages may be sent. */
  wait(now: number): number {
    return Math.max(0, this.#closedUntil - now)
  }

  /**
   * Closes the gate for a pause, or for `wait` if that is longer, because a message that was begun at `began` could not be
   * sent. Messages that were begun together close it once.
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
