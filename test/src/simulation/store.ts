/** The store that all holders share: documents that change in one step, on a clock of its own; and the limiter beside it. */
import * as Quota from "@qq-mini/core/Quota"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import type { Arrived, Network } from "./network.ts"
import { between, type Draw } from "./random.ts"
import { here, type Process, type Timeline } from "./scheduler.ts"

type SlotDocument = TokenCache.SlotDocument

/** One operation as the store carried it out. */
export interface Operation {
  readonly holder: string
  readonly name: TokenCache.TokenCacheError["operation"]
  readonly key: TokenCache.Key
  readonly before: SlotDocument
  readonly after: SlotDocument
}

// The longest wait for the limiter (ms).
export const quotaTimeoutMillis = 700

export class Store {
  readonly #timeline: Timeline
  readonly #network: Network
  readonly #draw: Draw
  readonly #process: Process
  readonly #watches: boolean
  readonly #onOperation: (operation: Operation) => void
  readonly #onUncounted: () => void
  readonly #documents = new Map<TokenCache.Key, SlotDocument>()
  readonly #watchers = new Map<TokenCache.Key, Set<() => void>>()
  readonly #quota = Effect.runSync(Quota.makeMemory)
  /** Nothing can be written before this time. */
  readOnlyUntil = 0

  /** `process` is where the store runs; its monotonic clock is the store's time. */
  constructor(options: {
    readonly timeline: Timeline
    readonly network: Network
    readonly draw: Draw
    readonly process: Process
    readonly watches: boolean
    readonly onOperation: (operation: Operation) => void
    /** A call goes on without having been counted. */
    readonly onUncounted: () => void
  }) {
    this.#timeline = options.timeline
    this.#network = options.network
    this.#draw = options.draw
    this.#process = options.process
    this.#watches = options.watches
    this.#onOperation = options.onOperation
    this.#onUncounted = options.onUncounted
  }

  get now(): number {
    return this.#timeline.now + this.#process.clocks.monotonic
  }

  slot(key: TokenCache.Key): SlotDocument {
    return this.#documents.get(key) ?? TokenCache.emptyDocument
  }

  /** The store starts again with nothing. */
  flush(): void {
    this.#documents.clear()
  }

  #apply(
    holder: string,
    name: Operation["name"],
    key: TokenCache.Key,
    change: (document: SlotDocument, now: number) => readonly [result: unknown, next?: SlotDocument]
  ): { readonly result: unknown } | "broken" {
    const before = this.slot(key)
    const [result, next] = change(before, this.now)
    if (next !== undefined) {
      if (this.#timeline.now < this.readOnlyUntil) return "broken"
      this.#documents.set(key, next)
      if (next.generation !== before.generation || (before.leased > this.now && next.leased <= this.now))
        this.#ring(key)
    }
    this.#onOperation({ holder, name, key, before, after: next ?? before })
    return { result }
  }

  // Calls get lost now and then.
  #ring(key: TokenCache.Key): void {
    for (const watcher of this.#watchers.get(key) ?? []) if (this.#draw() < 0.9) watcher()
  }

  /** The store as one holder reaches it. */
  cacheFor(holder: string): TokenCache.TokenCache["Service"] {
    const ask = <A>(
      operation: Operation["name"],
      perform: () => A | "broken"
    ): Effect.Effect<A, TokenCache.TokenCacheError> =>
      Effect.flatMap(here, (from) =>
        Effect.callback((resume) =>
          this.#network.exchange({
            from,
            holder,
            server: "store",
            mayDouble: true,
            perform,
            done: (arrived: Arrived<A>) =>
              resume(
                typeof arrived === "object"
                  ? Effect.succeed(arrived.answer)
                  : Effect.fail(new TokenCache.TokenCacheError({ operation, problem: arrived }))
              )
          })
        )
      )
    const modify: TokenCache.Modify = (operation, key, change) =>
      Effect.map(
        ask(operation, () => this.#apply(holder, operation, key, change)),
        ({ result }) => result as never
      )
    const cache = TokenCache.make(modify)
    if (!this.#watches) return cache
    return {
      ...cache,
      watch: (key) =>
        Effect.flatMap(here, (from) => {
          let hasRung = false
          let wake: (() => void) | undefined
          const rung = () => {
            hasRung = true
            wake?.()
          }
          const bell = () => {
            this.#timeline.at(this.#timeline.now + between(this.#draw, 1, 50), () => from.later(rung))
          }
          const watchers = this.#watchers.get(key) ?? new Set()
          this.#watchers.set(key, watchers)
          const changed = Effect.callback<void>((resume) => {
            wake = () => {
              wake = undefined
              hasRung = false
              resume(Effect.void)
            }
            if (hasRung) wake()
            return Effect.sync(() => (wake = undefined))
          })
          return Effect.addFinalizer(() => Effect.sync(() => watchers.delete(bell))).pipe(
            Effect.andThen(ask("watch", () => watchers.add(bell))),
            Effect.as(changed)
          )
        })
    }
  }

  /** The limiter as one holder reaches it. What it does not hear of in time, it does not count. */
  quotaFor(holder: string): Quota.Quota["Service"] {
    const ask = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, Quota.QuotaError> =>
      Effect.mapError(
        this.#network.ask({
          holder,
          server: "store",
          mayDouble: false,
          millis: quotaTimeoutMillis,
          perform: () => this.#process.now(Effect.orDie(effect))
        }),
        (problem) => new Quota.QuotaError({ problem })
      )
    const quota = this.#quota
    return Quota.Quota.of({
      reserve: (options) => Effect.tapError(ask(quota.reserve(options)), () => Effect.sync(this.#onUncounted)),
      complete: (options) =>
        Effect.flatMap(here, (from) => Effect.sync(() => this.#tell(from, holder, quota.complete(options)))),
      release: (options) => ask(quota.release(options)),
      remaining: (options) => ask(quota.remaining(options)),
      close: (options) => ask(quota.close(options)),
      isClosed: (options) => ask(quota.isClosed(options)).pipe(Effect.orElseSucceed(() => false))
    })
  }

  #tell(from: Process, holder: string, effect: Effect.Effect<void>): void {
    this.#network.exchange({
      from,
      holder,
      server: "store",
      mayDouble: false,
      perform: () => this.#process.now(effect),
      done: () => {}
    })
  }
}
