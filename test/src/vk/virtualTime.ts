/** Time that passes at once: thousands of calls wait for answers, pauses and deadlines without waiting. */
import { vi } from "vitest"

const nextTurn = setImmediate

/** Runs work of many calls in virtual time, from a fixed moment. Real time comes back at the end. */
export const inVirtualTime = async <A>(work: () => Promise<A>): Promise<A> => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "performance"],
    now: Date.UTC(2026, 0, 1)
  })
  // Effect's monotonic clock
  const hrtime = vi
    .spyOn(process.hrtime, "bigint")
    .mockImplementation(() => BigInt(Math.round(performance.now() * 1e6)))
  // The stack traces of thousands of errors take a fifth of the time.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    const state = { over: false }
    const result = work().finally(() => (state.over = true))
    // A handler of an error may come a turn later.
    result.catch(() => {})
    while (!state.over) {
      // All that can be done now comes before any time passes.
      for (let turn = 0; turn < 20 && !state.over; turn++) await new Promise<void>((resolve) => nextTurn(resolve))
      if (!state.over) await vi.advanceTimersToNextTimerAsync()
    }
    return await result
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    hrtime.mockRestore()
    vi.useRealTimers()
  }
}
