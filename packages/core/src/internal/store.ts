import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type TokenCache, TokenCacheError } from "../TokenCache.ts"
import { patient } from "./time.ts"

// a store that does not answer for so long is away
const timeout = 2_000
// a connection that broke is a new one a moment later, and every operation may be repeated
const pause = 100

type Operation = TokenCacheError["operation"]

/** An operation that ends in its time. */
export const bounded = <A, R>(operation: Operation, effect: Effect.Effect<A, TokenCacheError, R>) =>
  patient(effect, timeout, () => new TokenCacheError({ operation, problem: `no answer within ${timeout} ms` }))

type Store = TokenCache["Service"]

interface Guarded extends Omit<Store, "watch" | "release"> {
  /** Nothing depends on it, since a lease ends by itself; so it can't fail. */
  readonly release: (...args: Parameters<Store["release"]>) => Effect.Effect<void>
}

/** A store that may be away: its operations end in their time, and it is told when it is lost and when it is back. */
export const make = (
  cache: TokenCache["Service"],
  listener: { readonly onLost: (problem: string) => Effect.Effect<unknown>; readonly onBack: Effect.Effect<unknown> }
): Guarded => {
  // what can't be done: nothing at all, or only writing, as on a full disk
  let lost: "all" | "writing" | undefined

  const guarded = <A>(operation: Operation, effect: Effect.Effect<A, TokenCacheError>) =>
    Effect.suspend(() => {
      const once = bounded(operation, effect)
      return lost === undefined ? Effect.catch(once, () => Effect.delay(once, pause)) : once
    }).pipe(
      Effect.onExit((exit) => {
        if (Exit.isSuccess(exit)) {
          if (lost === undefined || (lost === "writing" && operation === "read")) return Effect.void
          lost = undefined
          return Effect.andThen(Effect.logInfo("the token store can be used again"), listener.onBack)
        }
        const failure = Cause.findFail(exit.cause)
        if (failure._tag === "Failure" || failure.success.error.config) return Effect.void
        if (lost !== undefined) {
          if (operation === "read") lost = "all"
          return Effect.void
        }
        lost = operation === "read" ? "all" : "writing"
        const { message } = failure.success.error
        return Effect.andThen(Effect.logWarning(`the token store can't be used: ${message}`), listener.onLost(message))
      })
    )

  const release: Guarded["release"] = (key, { owner }) =>
    Effect.ignore(bounded("release", cache.release(key, { owner })))

  return {
    read: (key) => guarded("read", cache.read(key)),
    // one whose answer was not heard may have been given all the same
    lease: (key, options) => Effect.onError(guarded("lease", cache.lease(key, options)), () => release(key, options)),
    write: (key, options) => guarded("write", cache.write(key, options)),
    remove: (key, options) => guarded("remove", cache.remove(key, options)),
    release
  }
}
