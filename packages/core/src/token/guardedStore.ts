import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type TokenCache, TokenCacheError } from "../TokenCache.ts"
import type { Settings } from "../internal/settings.ts"
import { monotonicMillis, patient } from "../internal/time.ts"

// The longest wait for an answer of the store (ms).
const maxTimeoutMillis = 2_000
// T6: where a fetch ends with its caller, two tries must leave half of the call's deadline for QQ.
const timeoutOf = ({ deadline, runs }: Settings): number =>
  runs === "process" ? maxTimeoutMillis : Math.min(maxTimeoutMillis, deadline / 4)

// The pauses before an operation is repeated (ms). Every operation may be repeated. A broken connection is restored in
// a few milliseconds, on a busy machine in hundreds. T1: a process that took this for an outage would fetch without the
// store.
const pausesMillis = [100, 300]

type Operation = TokenCacheError["operation"]

// The second repetition does not begin later than one and a quarter timeouts after the first try, so a silent store gets
// two tries. The first repetition always happens: if the process was frozen during the operation, the elapsed time says
// nothing about the store.
const repeated = <A, R>(
  effect: Effect.Effect<A, TokenCacheError, R>,
  timeoutMillis: number
): Effect.Effect<A, TokenCacheError, R> =>
  Effect.flatMap(monotonicMillis, (began) => {
    const attempt = (tries: number): Effect.Effect<A, TokenCacheError, R> =>
      Effect.catch(effect, (error) =>
        Effect.flatMap(monotonicMillis, (now) =>
          tries === pausesMillis.length ||
          (tries > 0 && now - began > timeoutMillis * 1.25) ||
          error.config !== undefined
            ? Effect.fail(error)
            : Effect.delay(attempt(tries + 1), pausesMillis[tries]!)
        )
      )
    return attempt(0)
  })

type Store = TokenCache["Service"]

/** A store that may become unavailable. Each operation has a timeout, and is repeated in case its connection broke. */
export interface GuardedStore extends Omit<Store, "release" | "maxLifetime" | "watch"> {
  /** Releases a lease. It never fails: an unreleased lease ends at its TTL. */
  readonly release: (...args: Parameters<Store["release"]>) => Effect.Effect<void>
  /** Extends a lease, without repetition, because the next extension comes soon. */
  readonly extend: Store["lease"]
  readonly watch: Store["watch"]
}

/**
 * Makes {@link GuardedStore} from a store. The listener is notified when the store becomes unavailable, and when it is
 * back.
 */
export const make = (
  cache: Store,
  settings: Settings,
  listener: { readonly onLost: (problem: string) => Effect.Effect<unknown>; readonly onBack: Effect.Effect<unknown> }
): GuardedStore => {
  const { watch } = cache
  const timeoutMillis = timeoutOf(settings)
  // `writing`: the store can be read but not written, as on a full disk.
  let lost: "all" | "writing" | undefined

  /** An operation with a timeout. */
  const bounded = <A, R>(operation: Operation, effect: Effect.Effect<A, TokenCacheError, R>) =>
    patient(
      effect,
      timeoutMillis,
      () => new TokenCacheError({ operation, problem: `no answer within ${timeoutMillis} ms` })
    )

  const guarded = <A>(operation: Operation, effect: Effect.Effect<A, TokenCacheError>) =>
    Effect.suspend(() => {
      const once = bounded(operation, effect)
      return lost === undefined ? repeated(once, timeoutMillis) : once
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

  const release: GuardedStore["release"] = (key, { owner }) =>
    Effect.ignore(bounded("release", cache.release(key, { owner })))

  return {
    read: (key) => guarded("read", cache.read(key)),
    // T9: if the answer got lost, the lease may have been taken.
    lease: (key, options) => Effect.onError(guarded("lease", cache.lease(key, options)), () => release(key, options)),
    write: (key, options) => guarded("write", cache.write(key, options)),
    remove: (key, options) => guarded("remove", cache.remove(key, options)),
    release,
    extend: (key, options) => bounded("lease", cache.lease(key, options)),
    watch: watch === undefined ? undefined : (key) => bounded("watch", watch(key))
  }
}
