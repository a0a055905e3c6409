/** A queue of Effect that delivers at least once, as its stores on Redis and SQL do: in any order, with locks that end. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Schedule from "effect/Schedule"
import type { Network } from "../../simulation/network.ts"
import { type Draw, oneOf } from "../../simulation/random.ts"
import type { Timeline } from "../../simulation/scheduler.ts"

const timeoutMillis = 1_500
const pollMillis = 1_000

interface Element {
  readonly id: string
  readonly element: unknown
  attempts: number
  state: "pending" | "locked" | "completed" | "failed"
  /** The number of the lock, and when it ends or the element can be taken. */
  lock: number
  at: number
}

interface Taken {
  readonly id: string
  readonly element: unknown
  readonly attempts: number
  readonly lock: number
}

export class Chunks {
  readonly #network: Network
  readonly #timeline: Timeline
  readonly #draw: Draw
  readonly #lockMillis: number
  readonly #queues = new Map<string, Map<string, Element>>()
  #locks = 0

  constructor(options: {
    readonly network: Network
    readonly timeline: Timeline
    readonly draw: Draw
    readonly lockMillis: number
  }) {
    this.#network = options.network
    this.#timeline = options.timeline
    this.#draw = options.draw
    this.#lockMillis = options.lockMillis
  }

  /** All locks end now. */
  unlock(): void {
    for (const queue of this.#queues.values()) {
      for (const element of queue.values()) if (element.state === "locked") element.at = 0
    }
  }

  #queue(name: string): Map<string, Element> {
    const queue = this.#queues.get(name) ?? new Map<string, Element>()
    this.#queues.set(name, queue)
    return queue
  }

  #take(name: string): Taken | undefined {
    const { now } = this.#timeline
    const able = [...this.#queue(name).values()].filter(
      ({ at, state }) => (state === "pending" || state === "locked") && at <= now
    )
    if (able.length === 0) return undefined
    const one = oneOf(this.#draw, able)
    one.attempts++
    one.state = "locked"
    one.lock = ++this.#locks
    one.at = now + this.#lockMillis
    return { id: one.id, element: one.element, attempts: one.attempts, lock: one.lock }
  }

  /** Changes an element whose lock is still this one. */
  #change(name: string, { id, lock }: Taken, change: Partial<Element>): void {
    const element = this.#queue(name).get(id)!
    if (element.state === "locked" && element.lock === lock) Object.assign(element, change)
  }

  /** The store as one process reaches it. */
  storeFor(holder: string): PersistedQueue.PersistedQueueStore["Service"] {
    const ask = <A>(perform: () => A): Effect.Effect<A, PersistedQueue.PersistedQueueError> =>
      Effect.mapError(
        this.#network.ask({ holder, server: "store", mayDouble: true, millis: timeoutMillis, perform }),
        (message) => new PersistedQueue.PersistedQueueError({ message })
      )
    return PersistedQueue.PersistedQueueStore.of({
      offer: ({ element, id, name }) =>
        ask(() => {
          const queue = this.#queue(name)
          if (!queue.has(id)) queue.set(id, { id, element, attempts: 0, state: "pending", lock: 0, at: 0 })
        }),
      take: ({ maxAttempts, name, retryDelay }) => {
        const timeline = this.#timeline
        const lockMillis = this.#lockMillis
        const change = (taken: Taken, to: () => Partial<Element>) => ask(() => this.#change(name, taken, to()))
        const release = Effect.fnUntraced(function* (taken: Taken, exit: Exit.Exit<unknown, unknown>) {
          const { attempts } = taken
          const to: () => Partial<Element> = Exit.isSuccess(exit)
            ? () => ({ state: "completed" })
            : Cause.hasInterruptsOnly(exit.cause)
              ? () => ({ state: "pending", at: 0, attempts: attempts - 1 })
              : attempts >= maxAttempts
                ? () => ({ state: "failed" })
                : yield* Effect.map(retryDelay(attempts), (delay) => () => ({
                    state: "pending" as const,
                    at: timeline.now + Duration.toMillis(delay)
                  }))
          const retries = Schedule.upTo(Schedule.spaced(400), { duration: lockMillis })
          yield* Effect.orDie(Effect.retry(change(taken, to), retries))
        })
        const next: Effect.Effect<Taken, PersistedQueue.PersistedQueueError> = Effect.flatMap(
          ask(() => this.#take(name)),
          (taken) => (taken === undefined ? Effect.andThen(Effect.sleep(pollMillis), next) : Effect.succeed(taken))
        )
        return Effect.uninterruptibleMask((restore) =>
          Effect.gen(function* () {
            const taken = yield* restore(next)
            yield* Effect.addFinalizer((exit) => release(taken, exit))
            yield* Effect.sleep(lockMillis / 3).pipe(
              Effect.andThen(Effect.ignore(change(taken, () => ({ at: timeline.now + lockMillis })))),
              Effect.forever,
              Effect.interruptible,
              Effect.forkScoped
            )
            return taken
          })
        )
      },
      cleanup: () => Effect.void
    })
  }
}
