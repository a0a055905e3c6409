/** When a backfill may make a request: only while enough of QQ's quota is left for live checks. */
import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import * as Semaphore from "effect/Semaphore"
import { Gate } from "../bulk/gate.ts"
import type { Halt } from "../bulk/halt.ts"
import type { QQMini } from "../call/service.ts"
import type { Any, CallCredentials, CallOptions } from "../endpoint/definition.ts"
import { monotonicMillis } from "../internal/time.ts"
import { windowMillis } from "../Limit.ts"
import type { QQError } from "../reason/error.ts"
import { outcomeOf } from "./outcome.ts"

/** What a pace is made of. */
export interface PaceOptions {
  readonly client: QQMini["Service"]
  readonly credentials: CallCredentials
  /** The part of each limit that is left for live checks. */
  readonly leaveForLive: number
  /** The timeout of a request in milliseconds. */
  readonly deadline: number
  readonly halt: Halt
  /** Open while the backfill is not paused. */
  readonly running: Latch.Latch
}

/** The limits of one endpoint. */
interface Share {
  /** For each limit, the endpoint as if it had only this one, and how many places of it are left for live checks. */
  readonly limits: ReadonlyArray<{ readonly endpoint: Any; readonly left: number }>
  /** The pause between two looks at the limits (ms). */
  readonly pause: number
  /** One request looks at the limits, and the others wait behind it. */
  readonly turn: Semaphore.Semaphore
}

// The limiter counts in parts of a window. A look in each half of a part finds free places soon enough.
const looksInWindow = 128
// The longest pause between two looks (ms).
const longestPauseMillis = 1_000

const shareOf = (endpoint: Any, leaveForLive: number): Share => {
  const limits = (endpoint.quota ?? []).filter(({ enforcedBy }) => enforcedBy === "client")
  return {
    limits: limits.map((limit) => ({ endpoint: { ...endpoint, quota: [limit] }, left: limit.max * leaveForLive })),
    pause: Math.min(longestPauseMillis, ...limits.map(({ window }) => windowMillis(window) / looksInWindow)),
    turn: Semaphore.makeUnsafe(1)
  }
}

/** The pace of one process. */
export class Pace {
  readonly #options: PaceOptions
  readonly #shares = new Map<string, Share>()
  /** Closed for a while after a failure that is not due to the content. */
  readonly gate = new Gate()

  constructor(options: PaceOptions) {
    this.#options = options
  }

  #shareOf(endpoint: Any): Share {
    const share = this.#shares.get(endpoint.name) ?? shareOf(endpoint, this.#options.leaveForLive)
    this.#shares.set(endpoint.name, share)
    return share
  }

  #isFree({ limits }: Share): Effect.Effect<boolean, QQError> {
    const { client, credentials } = this.#options
    return Effect.map(
      Effect.forEach(limits, ({ endpoint, left }) =>
        Effect.map(client.remaining(endpoint, credentials), (remaining) => remaining > left)
      ),
      (free) => free.every(Boolean)
    )
  }

  /** Waits until the backfill is not paused. Returns whether it goes on: `false` if the work is halted. */
  get goesOn(): Effect.Effect<boolean> {
    const { halt, running } = this.#options
    const waited = running.isOpen() ? Effect.void : Effect.raceFirst(running.await, halt.signal)
    return Effect.map(waited, () => !halt.isHalted)
  }

  /** Waits until a request may be made. Returns whether to make it: `false` if the work is halted. */
  #ready(share: Share): Effect.Effect<boolean, QQError> {
    const { halt } = this.#options
    return share.turn.withPermit(
      Effect.gen({ self: this }, function* () {
        while (yield* this.goesOn) {
          const closed = this.gate.wait(yield* monotonicMillis)
          if (closed <= 0 && (yield* this.#isFree(share))) return true
          yield* halt.sleep(Math.max(closed, share.pause))
        }
        return false
      })
    )
  }

  /**
   * The client of one check. Its requests wait until they may be made, and never in the queue of live calls. `onHalt` runs
   * instead of a request, if the work is halted.
   */
  client(onHalt: Effect.Effect<never>): QQMini["Service"] {
    const { client, deadline, halt } = this.#options
    const call = (endpoint: Any, input: unknown, options?: CallOptions): Effect.Effect<unknown, QQError> => {
      const share = this.#shareOf(endpoint)
      return Effect.flatMap(this.#ready(share), (isReady) =>
        isReady
          ? Effect.catch(client.call(endpoint, input, { ...options, deadline, quota: "fail" }), (error) =>
              outcomeOf(error.reason) === "later"
                ? Effect.andThen(halt.sleep(share.pause), call(endpoint, input, options))
                : Effect.fail(error)
            )
          : onHalt
      )
    }
    return { ...client, call }
  }
}
