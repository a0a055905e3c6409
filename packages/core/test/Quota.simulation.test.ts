/** Q1 by simulation: seeded schedules of several processes, a slow network and a platform that counts, on virtual time. */
import { assert, describe, it } from "@effect/vitest"
import { Windows } from "../src/quota/windows.ts"
import { draws } from "../../../test/src/simulation/random.ts"
import { runVirtual } from "../../../test/src/simulation/scheduler.ts"
import * as Quota from "@qq-mini/core/Quota"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { withPlace } from "../src/call/place.ts"

const key = "1112345678 security.msgSecCheck"
const now = Clock.currentTimeMillis

/** A limiter that all processes share, asked over a network: ends travel with the next reservation, as over Redis. */
const remote = (windows: Windows, delay: () => number): Quota.Quota["Service"] => {
  let ended: Array<{ readonly counted: Quota.CountedCall; readonly ticket: Quota.Ticket; readonly at: number }> = []
  const report = (now: number, sent: typeof ended) => {
    // as a store does that hears of an age
    for (const { at, counted, ticket } of sent) windows.complete(counted, ticket, now - Math.floor(now - at))
  }
  const ask = <A>(answer: (now: number) => A): Effect.Effect<A> =>
    Effect.suspend(() => {
      const sent = ended
      ended = []
      return Effect.delay(now, delay()).pipe(
        Effect.map((now) => {
          report(now, sent)
          return answer(now)
        }),
        Effect.tap(() => Effect.sleep(delay()))
      )
    })
  return Quota.Quota.of({
    reserve: (options) => ask((now) => Quota.reserveIn(windows, options, now)),
    complete: ({ ticket, ...counted }) => Effect.map(now, (at) => void ended.push({ counted, ticket, at })),
    release: ({ ticket, ...counted }) => ask(() => windows.release(counted, ticket)),
    remaining: (counted) => ask((now) => windows.remaining(counted, now)),
    close: (counted) => ask((now) => windows.close(counted, now)),
    isClosed: (counted) => Effect.map(now, (now) => windows.isClosed(counted, now))
  })
}

/** A platform that counts what arrives in its own rolling window. */
class Platform {
  readonly arrivals: Array<number> = []
  refusals = 0
  readonly #max: number
  readonly #window: number

  constructor(max: number, window: number) {
    this.#max = max
    this.#window = window
  }

  arrive(time: number): void {
    if (this.arrivals.filter((other) => other > time - this.#window).length >= this.#max) this.refusals++
    this.arrivals.push(time)
  }
}

const window = 1_000
// a request reaches the platform within this time, if ever
const late = 1_500
const deadline = 4_000

/** Some processes make calls at random times; some requests are late, lost, never sent, or their process dies. */
const schedule = (seed: number) =>
  Effect.gen(function* () {
    const draw = draws(seed)
    const within = (most: number) => Math.floor(draw() * most)
    const story: Array<string> = []
    const limit: Quota.Limit = { max: 1 + within(5), window, scope: "app", enforcedBy: "client" }
    const counted = { key, limits: [limit] }
    const platform = new Platform(limit.max, window)
    const windows = new Windows()
    const call = (quota: Quota.Quota["Service"], name: string) =>
      Effect.gen(function* () {
        const start = within(3_000)
        yield* Effect.sleep(start)
        const travel = within(draw() < 0.3 ? late : 20)
        const unsent = draw() < 0.1
        const timeout = within(draw() < 0.2 ? 400 : 4_000)
        const answer = within(300)
        const refusedByQQ = draw() < 0.01
        const request = Effect.gen(function* () {
          yield* Effect.sleep(within(10))
          if (unsent) return yield* Effect.fail("unsent" as const)
          story.push(`${yield* now} ${name} leaves, ${travel} on its way`)
          // goes on, whether or not anybody waits
          yield* Effect.forkDetach(
            Effect.map(Effect.delay(now, travel), (time) => {
              story.push(`${time} ${name} arrives`)
              platform.arrive(time)
            }),
            { startImmediately: true }
          )
          if (travel + answer > timeout) {
            yield* Effect.sleep(timeout)
            return yield* Effect.fail("lost" as const)
          }
          yield* Effect.sleep(travel + answer)
          if (refusedByQQ) yield* Effect.ignore(quota.close(counted))
        })
        const clock = yield* Clock.Clock
        const left = () => Math.max(0, start + deadline - clock.currentTimeMillisUnsafe())
        yield* withPlace(
          quota,
          counted,
          {
            maxWait: left,
            ttl: () => left() + late,
            phase: (failure: "unsent" | "lost") => failure
          },
          (effect) => effect,
          request
        )
      }).pipe(Effect.ignore)
    const processes = Array.from({ length: 1 + within(4) }, (_, n) => {
      const quota = remote(windows, () => within(draw() < 0.1 ? 500 : 10))
      const calls = Array.from({ length: 3 + within(10) }, (_, i) => call(quota, `${n}/${i}`))
      const all = Effect.all(calls, { concurrency: "unbounded", discard: true })
      return draw() < 0.2 ? Effect.timeoutOption(all, within(3_000)) : all
    })
    yield* Effect.all(processes, { concurrency: "unbounded", discard: true })
    // who died leaves requests on their way
    yield* Effect.sleep(late)
    return { arrivals: platform.arrivals.length, refusals: platform.refusals, story }
  })

describe("Q1, simulated", () => {
  it("10,000 schedules of delays, losses, crashes and refusals: no platform sees more than the limit", () => {
    let arrivals = 0
    for (let seed = 1; seed <= 10_000; seed++) {
      const seen = runVirtual(schedule(seed))
      assert.strictEqual(seen.refusals, 0, `seed ${seed}:\n${seen.story.join("\n")}`)
      arrivals += seen.arrivals
    }
    assert.isAbove(arrivals, 10_000)
  })
})
