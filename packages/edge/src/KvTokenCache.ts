/**
 * Workers KV as a cache in front of another store, the coordinator (a Durable Object or Redis). Cold Workers read the
 * token from the nearest copy in KV, and use the coordinator only if the copy is missing or not usable.
 *
 * KV alone can't be the store: it has no atomic update, so it can't hold a lease; a change becomes visible elsewhere up
 * to 60 seconds later; and it accepts one write a second for each key. So a copy is only read. It is used until QQ
 * refuses its token. From then on this isolate ignores that copy and uses the coordinator. The end of a copy is a time
 * of the clock of the machine that wrote it, and is read by another machine. So a token that expires within two minutes
 * is not copied.
 */
import { checkNames } from "@qq-mini/core/adapter/Setup"
import { invalidConfig } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import { WaitUntil } from "@qq-mini/core/QQMini"
import { type Key, type Slot, TokenCache } from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

/** The binding of a KV namespace in a Worker's `env`. */
export interface Namespace {
  readonly get: (key: string, type: "json") => Promise<unknown>
  readonly put: (key: string, value: string, options: { readonly expirationTtl: number }) => Promise<void>
  readonly delete: (key: string) => Promise<void>
}

/** The options of the store. */
export interface Options {
  /** The prefix of all keys in KV. By default `qq-mini:`. */
  readonly prefix?: string | undefined
}

/** A copy of a slot's token in KV. Times are epoch milliseconds of the machine that wrote it. */
interface Copy {
  readonly generation: number
  readonly token: string
  readonly lifetime: number
  readonly expires: number
  readonly history: string
}

// A token with less time left is not copied. KV's own minimum TTL is a minute.
const minCopiedMillis = 120_000
// A copy with less time left is not used.
const minUsedMillis = minCopiedMillis / 2
// Timeout of an operation of KV. The coordinator must still have time within the two seconds of a store's operation.
const kvTimeoutMillis = 300

// An error of KV is ignored, because the coordinator has the slot.
const ignoringErrors = <A>(f: () => Promise<A>): Effect.Effect<A | undefined> =>
  Effect.tryPromise(f).pipe(
    Effect.timeoutOrElse({ duration: kvTimeoutMillis, orElse: () => Effect.fail(undefined) }),
    Effect.orElseSucceed(() => undefined)
  )

/** Makes the store from a KV namespace and the coordinator. */
export const make = (
  kv: Namespace,
  coordinator: TokenCache["Service"],
  { prefix = "qq-mini:" }: Options = {}
): TokenCache["Service"] => {
  // This isolate ignores copies up to this generation.
  const ignoredUpTo = new Map<Key, number>()
  const ignoreUpTo = (key: Key, generation: number) =>
    Effect.sync(() => void ignoredUpTo.set(key, Math.max(generation, ignoredUpTo.get(key) ?? 0)))

  const copyOf = async (key: Key) => (await kv.get(prefix + key, "json")) as Copy | null

  const saveCopy = (key: Key, copy: Copy, now: number): Effect.Effect<unknown> => {
    const millisLeft = copy.expires - now
    if (copy.token === "" || millisLeft < minCopiedMillis) return Effect.void
    const put = () =>
      kv.put(prefix + key, JSON.stringify(copy), { expirationTtl: Math.floor((millisLeft - minUsedMillis) / 1_000) })
    return Effect.flatMap(WaitUntil, (waitUntil) =>
      // With `waitUntil`, no caller waits for the write.
      ignoringErrors(waitUntil === undefined ? put : async () => waitUntil(put().catch(() => {})))
    )
  }

  const slotOf = (copy: Copy | null | undefined, key: Key, now: number): Slot | undefined => {
    if (typeof copy?.token !== "string" || !(copy.generation > (ignoredUpTo.get(key) ?? 0))) return undefined
    const { expires, generation, history, lifetime, token } = copy
    if (!(expires - now >= minUsedMillis)) return undefined
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
      const found = slotOf(yield* ignoringErrors(() => copyOf(key)), key, Date.now())
      const slot = found ?? (yield* coordinator.read(key))
      // Copies with an older generation contain dead tokens.
      yield* ignoreUpTo(key, slot.generation - 1)
      if (found !== undefined) return found
      const { expiresIn, generation, history, lifetime, token } = slot
      if (token !== undefined && generation > (ignoredUpTo.get(key) ?? 0)) {
        const now = Date.now()
        const copy = { generation, token: Redacted.value(token), lifetime, expires: now + expiresIn, history }
        yield* saveCopy(key, copy, now)
      }
      return slot
    }),
    lease: (key, options) => Effect.andThen(ignoreUpTo(key, options.generation), coordinator.lease(key, options)),
    write: Effect.fnUntraced(function* (key, options) {
      const generation = yield* coordinator.write(key, options)
      if (generation !== undefined) {
        const { history, token, ttl } = options
        const now = Date.now()
        const copy = { generation, token: Redacted.value(token), lifetime: ttl, expires: now + ttl, history }
        yield* saveCopy(key, copy, now)
      }
      return generation
    }),
    remove: Effect.fnUntraced(function* (key, options) {
      yield* ignoreUpTo(key, options.generation)
      yield* ignoringErrors(async () => {
        const copy = await copyOf(key)
        if (copy !== null && copy.generation <= options.generation) await kv.delete(prefix + key)
      })
      return yield* coordinator.remove(key, options)
    })
  })
}

const names = { prefix: [] } satisfies Record<keyof Options, ReadonlyArray<string>>

const check = (kv: Namespace | undefined, coordinator: unknown, options: Options): Effect.Effect<void, QQError> => {
  if (typeof kv?.put !== "function") {
    const binding = '"kv_namespaces": [{ "binding": "QQ_KV", "id": "…" }]'
    const en = `has no KV namespace: bind one in wrangler.jsonc, as ${binding}`
    return Effect.fail(invalidConfig("store", en, `没有 KV 命名空间：请在 wrangler.jsonc 中绑定，如 ${binding}`))
  }
  if (!Layer.isLayer(coordinator)) {
    const en = "needs a store behind KV as the second argument, as durableObject(env.QQ_TOKENS)"
    const zh = "第二个参数必须是 KV 背后的存储，如 durableObject(env.QQ_TOKENS)"
    return Effect.fail(invalidConfig("store", en, zh))
  }
  return checkNames(options, names)
}

/**
 * The store over a KV namespace and the layer of the coordinator: `KvTokenCache.layer(env.QQ_KV, coordinator)`. Fails
 * with a `QQError` without a namespace or a coordinator.
 */
export const layer = (
  kv: Namespace | undefined,
  coordinator: Layer.Layer<TokenCache, QQError>,
  options: Options = {}
): Layer.Layer<TokenCache, QQError> =>
  Layer.unwrap(
    Effect.map(check(kv, coordinator, options), () =>
      Layer.effect(
        TokenCache,
        Effect.map(TokenCache, (cache) => make(kv!, cache, options))
      ).pipe(Layer.provide(coordinator))
    )
  )
