/**
 * A Redis whose outage is waited out: a command that failed is repeated until it succeeds. This is what a
 * `PersistedQueue` needs, because the one of `effect` ends for good the loop that recovers the elements of dead workers
 * as soon as Redis fails once, and ends a worker that can't report its result for a while.
 *
 * ```ts
 * const queue = PersistedQueue.layerStoreRedis({ prefix: "{bulk}:" }).pipe(
 *   Layer.provide(PatientRedis.layer),
 *   Layer.provide(RedisStores.layerRedis({ url }))
 * )
 * ```
 *
 * On a cluster all keys of a queue must be in one slot, so its prefix must have a hash tag, as `{bulk}:` has. Use it
 * only for commands that may be repeated.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import { rareWarning } from "./internal/rarely.ts"
import { redis as redisErrors, shown } from "./internal/shown.ts"

// First and longest pause before a command is repeated (ms).
const firstPauseMillis = 100
const longestPauseMillis = 2_000

// Replies that the same command gets each time: it, or the user's permissions, are wrong.
const final = /^(CROSSSLOT|NOPERM|UNSUPPORTED|WRONGTYPE)$/

// Whoever gets no answer can't know whether Redis executed the command. All commands of a `PersistedQueue` may be
// executed twice:
// - an offer with an id does nothing if the id is known; one without an id may be delivered twice, as any element may;
// - what ends or renews a claim does nothing if the claim is not the element's any more;
// - elements that were claimed for a lost answer are recovered when their lock expires, as those of a dead worker are;
// - recovery and cleanup do nothing where they were done.
const repeated =
  (warn: (message: string) => Effect.Effect<void>) =>
  <A>(command: Effect.Effect<A, Redis.RedisError>): Effect.Effect<A, Redis.RedisError> => {
    const attempt = (pause: number): Effect.Effect<A, Redis.RedisError> =>
      Effect.catch(command, (error) => {
        const problem = shown(error, redisErrors)
        if (final.test(problem)) return Effect.fail(error)
        // In a finalizer of a fiber that is interrupted the pause ends at once, and the error goes to the queue, which
        // repeats its settlement for as long as the lock lasts. Otherwise a program that is stopped while Redis is away
        // would never end.
        const paused = Effect.catchCause(Effect.interruptible(Effect.sleep(pause)), () => Effect.fail(error))
        return warn(`Redis can't be used (${problem}): its commands are repeated until they succeed`).pipe(
          Effect.andThen(paused),
          Effect.andThen(Effect.suspend(() => attempt(Math.min(2 * pause, longestPauseMillis))))
        )
      })
    return attempt(firstPauseMillis)
  }

/** Makes a `Redis` that repeats the failed commands and scripts of another one. Subscriptions stay as they are. */
export const make = (redis: Redis.Redis["Service"]): Redis.Redis["Service"] => {
  const patiently = repeated(rareWarning())
  return Redis.Redis.of({
    ...redis,
    send: (command, ...args) => patiently(redis.send(command, ...args)),
    eval: (script) => {
      const run = redis.eval(script)
      return (...params) => patiently(run(...params))
    }
  })
}

/** Replaces the provided `Redis` by one that repeats its failed commands. */
export const layer: Layer.Layer<Redis.Redis, never, Redis.Redis> = Layer.effect(
  Redis.Redis,
  Effect.map(Redis.Redis, make)
)
