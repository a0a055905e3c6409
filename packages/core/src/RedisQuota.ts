/**
 * QQ's limits enforced across all processes: the rolling window of `Quota`, counted in Redis.
 *
 * Each reservation is one script that uses the server's clock. It also reports the places that ended since the last
 * script. The places of a crashed process end at their deadlines. Redis counts as unavailable if it takes longer than
 * 0.7 seconds. Then each process enforces the limits alone, with its own count, and tries Redis again once a second. No
 * call waits for that.
 *
 * `effect/persistence/RateLimiter` can't enforce QQ's limits. Its fixed window allows twice the limit around a
 * boundary. Its token bucket allows a full bucket plus the refill in the same minute.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import { redis as redisErrors, shown } from "./internal/shown.ts"
import { monotonicMillis, patient } from "./internal/time.ts"
import { Windows } from "./quota/windows.ts"
import { type CountedCall, type Place, Quota, QuotaError, reserveIn, type Ticket } from "./Quota.ts"
import { decodePlace, millis, type QuotaScript, scripts } from "./redis/quotaScripts.ts"
import type { Options as StoreOptions } from "./RedisTokenCache.ts"

/** Options of the limiter. */
export interface Options extends StoreOptions {
  /**
   * What a reservation does while Redis can't be used. `count`: it is counted in this process alone, so all processes
   * together may exceed a limit. `fail`: it fails with `QuotaError`, for work that can wait. By default `count`.
   */
  readonly whenAway?: "count" | "fail" | undefined
}

// Timeout of an operation, for calls that do not wait for Redis and for work that does, and the pause between tries while
// Redis is unavailable (ms).
const timeoutMillis = { count: 700, fail: 10_000 } as const
const tryEveryMillis = 1_000

// Most ended places of one call that wait to be reported.
const maxEnded = 1_000

/** Splits a ticket into the part for this process's own count and the part for Redis, if Redis granted the place. */
const partsOf = (
  { limits }: CountedCall,
  ticket: Ticket | undefined
): readonly [local: Ticket | undefined, inRedis: Ticket | undefined] => {
  if (ticket === undefined) return [undefined, undefined]
  const length = 1 + limits.filter((limit) => limit.enforcedBy === "client").length
  const inRedis = ticket.slice(length)
  return [ticket.slice(0, length), inRedis.length === 0 ? undefined : inRedis]
}

/** Makes a limiter over the provided Redis. By default it never fails because of Redis: it then counts in this process. */
export const make = Effect.fnUntraced(function* ({ prefix = "qq-mini:", whenAway = "count" }: Options = {}) {
  const redis = yield* Redis.Redis
  // Q1: the places that this process took, and the refusals by QQ that it saw. While Redis is unavailable only these
  // count. When Redis is back, it may not know them.
  const local = new Windows()
  // Places that ended since the last script of their call. They are removed from this list before the script runs. A
  // place that is reported twice would end another caller's place; one that is never reported ends at its deadline.
  const ended = new Map<string, Array<{ readonly slots: Ticket; readonly at: number }>>()
  let unavailable = false
  let nextTry = 0

  const ask = <Result>(
    of: QuotaScript<Result>,
    counted: CountedCall,
    ...rest: ReadonlyArray<string | number>
  ): Effect.Effect<Result, QuotaError> => {
    const limits = counted.limits.filter((limit) => limit.enforcedBy === "client")
    // The hash tag puts all keys of a call into one slot of a cluster.
    const base = `${prefix}quota:{${counted.key}}`
    const keys = [base, ...limits.map((limit) => `${base}:${limit.max}/${limit.window}`)]
    return Effect.flatMap(monotonicMillis, (now) => {
      const reported = ended.get(counted.key) ?? []
      ended.delete(counted.key)
      const ends = reported.flatMap(({ at, slots }) => [Math.floor(now - at), ...slots])
      return redis.eval(of)(keys, limits, reported.length, ...ends, ...rest)
    }).pipe(
      Effect.mapError((error) => new QuotaError({ problem: shown(error, redisErrors) })),
      (effect) => patient(effect, timeoutMillis[whenAway], () => new QuotaError({ problem: "no answer in time" })),
      Effect.onExit((exit) => {
        const failure = Exit.isSuccess(exit) ? undefined : Cause.findFail(exit.cause)
        // An interrupted caller does not mean that Redis failed.
        if (failure?._tag === "Failure" || (failure !== undefined) === unavailable) return Effect.void
        unavailable = failure !== undefined
        if (failure === undefined) return Effect.logInfo("QQ's quotas are counted in Redis again")
        return Effect.andThen(
          Effect.map(monotonicMillis, (now) => (nextTry = now + tryEveryMillis)),
          Effect.logWarning(
            `QQ's quotas can't be counted in Redis (${failure.success.error.problem}), ${whenAway === "count" ? "counting in this process alone" : "waiting for it"}`
          )
        )
      })
    )
  }

  // While Redis is unavailable, one call a second tries it in the background. A circuit breaker would hang: on Workers
  // the request that runs its probe never ends if the visitor disconnects.
  const run: typeof ask = (of, counted, ...rest) =>
    Effect.flatMap(monotonicMillis, (now) => {
      if (!unavailable) return ask(of, counted, ...rest)
      const isAway = Effect.fail(new QuotaError({ problem: "it is away" }))
      if (now < nextTry) return isAway
      nextTry = now + tryEveryMillis
      return Effect.andThen(Effect.forkDetach(ask(scripts.remaining, counted), { startImmediately: true }), isAway)
    })

  return Quota.of({
    reserve: (options) =>
      Effect.gen(function* (): Effect.fn.Return<Place, QuotaError> {
        const { booking, maxWait, ttl, ...counted } = options
        const asked = yield* monotonicMillis
        const [localTicket, redisTicket] = partsOf(counted, booking)
        if (localTicket !== undefined) local.release(counted, localTicket)
        const notBefore = Math.ceil(local.earliest(counted, asked, booking !== undefined) - asked)
        if (notBefore > maxWait) {
          if (redisTicket !== undefined) yield* Effect.ignore(run(scripts.release, counted, ...redisTicket))
          return { granted: false, wait: notBefore, ticket: [] }
        }
        const finiteMaxWait = Math.min(maxWait, Number.MAX_SAFE_INTEGER)
        const reply = yield* Effect.result(
          run(scripts.reserve, counted, ...(redisTicket ?? [""]), finiteMaxWait, Math.ceil(ttl), notBefore)
        )
        const now = yield* monotonicMillis
        // Count again, because other calls may have taken places meanwhile. The booking was returned above.
        if (reply._tag === "Failure") {
          if (whenAway === "fail") return yield* reply.failure
          return reserveIn(local, { ...options, booking: booking === undefined ? undefined : [0] }, now)
        }
        const [granted, amount, closed, ...ticket] = yield* Effect.mapError(
          decodePlace(reply.success),
          () => new QuotaError({ problem: "the reply can't be read" })
        )
        if (closed > 0) local.closeUntil(counted, now + closed)
        const wait = millis(amount)
        if (granted === 0) return { granted: false, wait, ticket: [] }
        const taken = wait > 0 ? local.book(counted, now + wait) : local.take(counted, now, now + ttl)
        return { granted: true, wait, ticket: [...taken, ...ticket] }
      }),
    complete: ({ ticket, ...counted }) =>
      Effect.map(monotonicMillis, (at) => {
        const [localTicket, redisTicket] = partsOf(counted, ticket)
        local.complete(counted, localTicket!, at)
        if (redisTicket === undefined) return
        const pending = ended.get(counted.key) ?? []
        ended.set(counted.key, pending)
        pending.push({ slots: redisTicket.slice(1), at })
        // The oldest places have reached their deadlines long ago.
        if (pending.length > maxEnded) pending.shift()
      }),
    release: ({ ticket, ...counted }) =>
      Effect.suspend(() => {
        const [localTicket, redisTicket] = partsOf(counted, ticket)
        local.release(counted, localTicket!)
        return redisTicket === undefined ? Effect.void : Effect.asVoid(run(scripts.release, counted, ...redisTicket))
      }),
    remaining: (counted) =>
      Effect.flatMap(monotonicMillis, (now) =>
        run(scripts.remaining, counted).pipe(
          Effect.map((amount) => Math.min(local.remaining(counted, now), amount === "inf" ? Infinity : Number(amount))),
          Effect.orElseSucceed(() => local.remaining(counted, now))
        )
      ),
    close: (counted) =>
      Effect.flatMap(Effect.zip(Effect.result(run(scripts.close, counted)), monotonicMillis), ([closed, now]) =>
        Effect.sync(() => {
          if (closed._tag === "Success") local.closeUntil(counted, now + Number(closed.success))
          else local.close(counted, now)
        })
      ),
    isClosed: (counted) => Effect.map(monotonicMillis, (now) => local.isClosed(counted, now))
  })
})

/** The limiter over the provided Redis. */
export const layer = (options?: Options): Layer.Layer<Quota, never, Redis.Redis> => Layer.effect(Quota, make(options))
