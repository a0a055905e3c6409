/**
 * Workers KV in front of a coordinator: cold Workers everywhere read the token from the nearest copy, and go to the
 * coordinator (a Durable Object, Redis) only where that will not do.
 *
 * KV alone can't be the store. It changes nothing in one step, so it can hold no lease; a change is seen elsewhere up to 60
 * seconds later; and it takes one write a second a key. So nothing is decided by a copy: it is read, and used until QQ
 * refuses its token. Then the copy is not believed any more by this isolate, and the coordinator has the word. A copy tells
 * its end by the clock of the machine that wrote it, and is read by another's; one that ends within two minutes is not kept.
 */
import type { QQError } from "@qq-mini/core/QQError"
import { WaitUntil } from "@qq-mini/core/QQMini"
import { type Key, type Slot, TokenCache } from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

/** A binding of a KV namespace, as it stands in `env`. */
export interface Namespace {
  readonly get: (key: string, type: "json") => Promise<any>
  readonly put: (key: string, value: string, options: { readonly expirationTtl: number }) => Promise<void>
  readonly delete: (key: string) => Promise<void>
}

/** How the keys in KV begin. */
export interface Options {
  /** By default `qq-mini:`. */
  readonly prefix?: string | undefined
}

/** A slot's token as it lies in KV. Times are epoch milliseconds of the machine that wrote it. */
interface Copy {
  readonly generation: number
  readonly token: string
  readonly lifetime: number
  readonly expires: number
  readonly history: string
}

// KV keeps nothing shorter than a minute
const shortest = 120_000
// the coordinator must have its turn within the two seconds that a store has
const kvTime = 300

// whatever is the matter with KV, the coordinator is there
const quietly = <A>(f: () => Promise<A>): Effect.Effect<A | undefined> =>
  Effect.tryPromise(f).pipe(
    Effect.timeoutOrElse({ duration: kvTime, orElse: () => Effect.fail(undefined) }),
    Effect.orElseSucceed(() => undefined)
  )

/** The store over a KV namespace in front of another store. */
export const make = (
  kv: Namespace,
  coordinator: TokenCache["Service"],
  { prefix = "qq-mini:" }: Options = {}
): TokenCache["Service"] => {
  // copies up to this generation are not believed here
  const doubted = new Map<Key, number>()
  const doubt = (key: Key, generation: number) =>
    Effect.sync(() => void doubted.set(key, Math.max(generation, doubted.get(key) ?? 0)))

  const keep = (key: Key, copy: Copy, now: number): Effect.Effect<unknown> => {
    const left = copy.expires - now
    if (copy.token === "" || left < shortest) return Effect.void
    const put = () =>
      kv.put(prefix + key, JSON.stringify(copy), { expirationTtl: Math.floor((left - shortest / 2) / 1_000) })
    return Effect.flatMap(WaitUntil, (waitUntil) =>
      // nobody waits for it where it can be handed over
      quietly(waitUntil === undefined ? put : async () => waitUntil(put().catch(() => {})))
    )
  }

  const slotOf = (copy: Copy | null | undefined, key: Key, now: number): Slot | undefined => {
    if (typeof copy?.token !== "string" || !(copy.generation > (doubted.get(key) ?? 0))) return undefined
    const { expires, generation, history, lifetime, token } = copy
    if (!(expires - now >= shortest / 2)) return undefined
    return {
      generation,
      token: Redacted.make(token),
      lifetime,
      expiresIn: Math.min(expires - now, lifetime),
      leasedFor: 0,
      now,
      history
    }
  }

  return TokenCache.of({
    ...coordinator,
    read: Effect.fnUntraced(function* (key) {
      const found = slotOf(yield* quietly(() => kv.get(prefix + key, "json")), key, Date.now())
      const slot = found ?? (yield* coordinator.read(key))
      // copies that are older than what was seen here are of dead tokens
      yield* doubt(key, slot.generation - 1)
      if (found !== undefined) return found
      const { expiresIn, generation, history, lifetime, token } = slot
      if (token !== undefined && generation > (doubted.get(key) ?? 0)) {
        const now = Date.now()
        const copy = { generation, token: Redacted.value(token), lifetime, expires: now + expiresIn, history }
        yield* keep(key, copy, now)
      }
      return slot
    }),
    lease: (key, options) => Effect.andThen(doubt(key, options.generation), coordinator.lease(key, options)),
    write: Effect.fnUntraced(function* (key, options) {
      const generation = yield* coordinator.write(key, options)
      if (generation !== undefined) {
        const { history, token, ttl } = options
        const now = Date.now()
        const copy = { generation, token: Redacted.value(token), lifetime: ttl, expires: now + ttl, history }
        yield* keep(key, copy, now)
      }
      return generation
    }),
    remove: Effect.fnUntraced(function* (key, options) {
      yield* doubt(key, options.generation)
      yield* quietly(async () => {
        const copy: Copy | null = await kv.get(prefix + key, "json")
        if (copy !== null && copy.generation <= options.generation) await kv.delete(prefix + key)
      })
      return yield* coordinator.remove(key, options)
    })
  })
}

/** The store over a KV namespace in front of the store that is given: `KvTokenCache.layer(env.QQ_KV, coordinator)`. */
export const layer = (
  kv: Namespace,
  coordinator: Layer.Layer<TokenCache, QQError>,
  options?: Options
): Layer.Layer<TokenCache, QQError> =>
  Layer.effect(
    TokenCache,
    Effect.map(TokenCache, (cache) => make(kv, cache, options))
  ).pipe(Layer.provide(coordinator))
