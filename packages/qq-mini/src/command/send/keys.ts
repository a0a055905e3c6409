/** Keys that are pressed while a long command runs. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

const interrupt = "\x03"
const suspend = "\x1a"

// A question before gives the terminal back a moment after its answer: 10 ms in effect's Terminal.
const promptMillis = 100

/** Whether keys can be read. */
export const hasKeys: boolean = process.stdin.isTTY === true && process.stderr.isTTY === true

/**
 * Calls a function with each key, until the scope is closed. The terminal sends Ctrl+C and Ctrl+Z as keys then, so they are
 * made signals here.
 */
export const onKey = (handle: (key: string) => void): Effect.Effect<void, never, Scope.Scope> => {
  const { stdin } = process
  if (!hasKeys) return Effect.void
  const listen = () => stdin.setRawMode(true)
  const onData = (data: Buffer) => {
    for (const key of data.toString("latin1")) {
      if (key === interrupt) process.kill(process.pid, "SIGINT")
      else if (key === suspend) {
        stdin.setRawMode(false)
        process.once("SIGCONT", listen)
        process.kill(process.pid, "SIGTSTP")
      } else handle(key)
    }
  }
  const listening = Effect.acquireRelease(
    Effect.sync(() => {
      listen()
      stdin.on("data", onData)
      stdin.resume()
    }),
    () =>
      Effect.sync(() => {
        stdin.off("data", onData)
        process.off("SIGCONT", listen)
        stdin.setRawMode(false)
        stdin.pause()
      })
  )
  return Effect.andThen(Effect.sleep(promptMillis), listening)
}
