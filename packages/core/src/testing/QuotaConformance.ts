/**
 * The contract of `Quota` as test cases for any limiter, with any test runner:
 *
 * ```ts
 * for (const { name, run } of QuotaConformance.cases) {
 *   it.live(name, () => Effect.provide(run, myLimiter))
 * }
 * ```
 *
 * The cases use keys with random names, and do not delete them. They take a few seconds of real time, because a store's
 * clock can't be controlled. None depends on how fast a store answers.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import {
  type CountedCall,
  type Limit,
  type Place,
  Quota,
  type QuotaError,
  type Reservation,
  type Ticket
} from "../Quota.ts"
import { expect, type NotConforming, same } from "./TokenCacheConformance.ts"

/** One test case of the contract. */
export interface Case {
  /** The name of the test: the law and the required behaviour. */
  readonly name: string
  /** Tests the provided limiter. Fails with `NotConforming` if it breaks the contract. */
  readonly run: Effect.Effect<void, NotConforming | QuotaError, Quota>
}

type Limiter = Quota["Service"]

// Lengths of windows (ms): the short one ends during a case, the middle one leaves a busy machine time for some
// operations, and the long one does not end during a case.
const shortMillis = 400
const middleMillis = 3_000
const longMillis = 60_000

const limitOf = (max: number, window: number): Limit => ({ max, window, scope: "app", enforcedBy: "client" })

/** The limiter for one key and its limits. */
const client = (limiter: Limiter, counted: CountedCall) => ({
  reserve: (options: Partial<Reservation> = {}) =>
    limiter.reserve({ ...counted, maxWait: 0, ttl: longMillis, ...options }),
  complete: ({ ticket }: Place) => limiter.complete({ ...counted, ticket }),
  release: ({ ticket }: Place) => limiter.release({ ...counted, ticket }),
  remaining: limiter.remaining(counted),
  close: limiter.close(counted),
  isClosed: limiter.isClosed(counted)
})
type Client = ReturnType<typeof client>

const granted = ({ granted, wait }: Place) => granted && wait === 0

/** Takes places one after the other. */
const take = (client: Client, count: number, options?: Partial<Reservation>) =>
  Effect.gen(function* () {
    const places: Array<Place> = []
    for (let n = 1; n <= count; n++) {
      const place = yield* client.reserve(options)
      yield* expect(granted(place), `place ${n} of ${count}`, place)
      places.push(place)
    }
    return places
  })

/** Reserves repeatedly until there is a place. */
const eventually = (client: Client, options?: Partial<Reservation>): Effect.Effect<Place, QuotaError> =>
  Effect.flatMap(client.reserve(options), (place) =>
    granted(place) ? Effect.succeed(place) : Effect.delay(eventually(client, options), shortMillis / 20)
  )

/** Exchanges a booking for a place, once there is one. */
const exchange = (client: Client, ticket: Ticket): Effect.Effect<Place, QuotaError> =>
  Effect.flatMap(client.reserve({ booking: ticket, maxWait: longMillis }), (place) =>
    granted(place) ? Effect.succeed(place) : Effect.delay(exchange(client, place.ticket), place.wait)
  )

const make = (
  name: string,
  limits: ReadonlyArray<Limit>,
  body: (client: Client, another: Client) => Effect.Effect<void, NotConforming | QuotaError>
): Case => ({
  name,
  run: Effect.gen(function* () {
    const limiter = yield* Quota
    const key = `${yield* Random.nextIntBetween(0, 2 ** 48)} conformance`
    yield* body(client(limiter, { key, limits }), client(limiter, { key: `another ${key}`, limits }))
  })
})

/** The test cases. */
export const cases: ReadonlyArray<Case> = [
  make("Q1: grants the limit and no more, for each key by itself", [limitOf(3, longMillis)], (client, another) =>
    Effect.gen(function* () {
      yield* same(yield* client.remaining, 3, "remaining at first")
      yield* take(client, 3)
      yield* same(yield* client.remaining, 0, "remaining of a full limit")
      const late = yield* client.reserve()
      yield* same(late.granted, false, "granted beyond the limit")
      yield* expect(late.wait > 0 && late.wait < longMillis * 1.1, "the time to come back", late.wait)
      yield* take(another, 3)
    })
  ),
  make(
    "Q1: an open place counts however long it takes, and then for a whole window",
    [limitOf(1, shortMillis)],
    (client) =>
      Effect.gen(function* () {
        const [place] = yield* take(client, 1)
        yield* Effect.sleep(shortMillis * 3)
        yield* same((yield* client.reserve()).granted, false, "granted beside an open place older than the window")
        const ended = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        yield* client.complete(place!)
        yield* eventually(client)
        const waited = (yield* Effect.clockWith((clock) => clock.currentTimeMillis)) - ended
        yield* expect(waited >= shortMillis, `a window of ${shortMillis} ms after the place ended`, waited)
      })
  ),
  make("Q1: a place whose end nobody reports ends at its deadline", [limitOf(1, shortMillis)], (client) =>
    Effect.gen(function* () {
      const began = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      yield* take(client, 1, { ttl: shortMillis * 2 })
      yield* eventually(client)
      const waited = (yield* Effect.clockWith((clock) => clock.currentTimeMillis)) - began
      yield* expect(waited >= shortMillis * 3, `a window after the deadline, ${shortMillis * 3} ms`, waited)
    })
  ),
  make("Q1: an end counts once, and only where there is a place", [limitOf(2, longMillis)], (client) =>
    Effect.gen(function* () {
      const [first] = yield* take(client, 2)
      for (let i = 0; i < 3; i++) yield* client.complete(first!)
      yield* client.complete({ granted: true, wait: 0, ticket: [] })
      yield* same(yield* client.remaining, 0, "remaining after the ends")
      yield* same((yield* client.reserve()).granted, false, "granted after the ends")
    })
  ),
  make("a place that was not used can be given back", [limitOf(2, longMillis)], (client) =>
    Effect.gen(function* () {
      const [first] = yield* take(client, 2)
      yield* client.release(first!)
      yield* same(yield* client.remaining, 1, "remaining after one was given back")
      yield* take(client, 1)
      yield* same((yield* client.reserve()).granted, false, "granted beyond the limit")
    })
  ),
  make(
    "Q2: who may wait books, is served before those who come later, and is told how long",
    [limitOf(2, middleMillis)],
    (client) =>
      Effect.gen(function* () {
        for (const place of yield* take(client, 2)) yield* client.complete(place)
        const [first, second] = [
          yield* client.reserve({ maxWait: longMillis }),
          yield* client.reserve({ maxWait: longMillis })
        ]
        for (const booking of [first, second]) {
          yield* expect(booking.granted && booking.wait > 0, "a booking", booking)
        }
        // The third booking is a window later than these two.
        const third = yield* client.reserve({ maxWait: longMillis })
        yield* expect(third.granted && third.wait > second.wait, "a later booking", third)
        yield* client.release(third)
        yield* Effect.sleep(first.wait)
        for (const { ticket } of [first, second]) yield* client.complete(yield* exchange(client, ticket))
      })
  ),
  make("Q2: a wait that is too long is no booking", [limitOf(1, longMillis)], (client) =>
    Effect.gen(function* () {
      yield* take(client, 1)
      yield* same((yield* client.reserve({ maxWait: longMillis / 2 })).granted, false, "booked beyond the wait")
      const booking = yield* client.reserve({ maxWait: longMillis * 2 })
      yield* same(booking.granted, true, "booked within the wait")
      const next = yield* client.reserve({ maxWait: longMillis * 1.5 })
      yield* same(next.granted, false, "booked behind another, beyond the wait")
      yield* client.release(booking)
      const again = yield* client.reserve({ maxWait: longMillis * 1.5 })
      yield* same(again.granted, true, "booked in the place of one that was given back")
    })
  ),
  make("a booking that is exchanged is gone, whatever comes of it", [limitOf(1, longMillis)], (client) =>
    Effect.gen(function* () {
      yield* take(client, 1)
      const { ticket } = yield* client.reserve({ maxWait: longMillis * 2 })
      yield* same((yield* client.reserve({ booking: ticket })).granted, false, "exchanged beyond the limit")
      yield* same((yield* client.reserve({ maxWait: longMillis * 1.5 })).granted, true, "booked in its place")
    })
  ),
  make("Q1: several limits hold together", [limitOf(3, shortMillis), limitOf(4, longMillis)], (client) =>
    Effect.gen(function* () {
      for (const place of yield* take(client, 3)) yield* client.complete(place)
      yield* client.complete(yield* eventually(client))
      yield* same(yield* client.remaining, 0, "remaining of the longer limit")
      const late = yield* client.reserve({ maxWait: shortMillis * 3 })
      yield* same(late.granted, false, "granted beyond the longer limit")
    })
  ),
  make(
    "QQ's own word closes a key for a minute, once for calls that were under way together",
    [limitOf(9, longMillis)],
    (client, another) =>
      Effect.gen(function* () {
        const [place] = yield* take(client, 1)
        yield* client.close
        yield* client.close
        yield* client.complete(place!)
        const late = yield* client.reserve()
        yield* same(late.granted, false, "granted after QQ refused")
        yield* expect(late.wait > 0 && late.wait <= 60_000, "at most a minute", late.wait)
        yield* same(yield* client.remaining, 0, "remaining after QQ refused")
        yield* same(yield* client.isClosed, true, "closed")
        yield* same(yield* another.isClosed, false, "another key closed")
        yield* take(another, 1)
      })
  ),
  make("a limit of nothing grants nothing, ever", [limitOf(0, shortMillis)], (client) =>
    Effect.gen(function* () {
      const { granted, wait } = yield* client.reserve({ maxWait: Infinity })
      yield* same(granted, false, "granted")
      yield* same(wait, Infinity, "the time to come back")
    })
  )
]
