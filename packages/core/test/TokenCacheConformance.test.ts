/** The conformance kit itself: stores that break the contract, each in one way, are each found out. */
import { assert, describe, it } from "@effect/vitest"
import * as TokenCacheConformance from "@qq-mini/core/testing/TokenCacheConformance"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"

type Store = TokenCache.TokenCache["Service"]

/** What is wrong with each, and the case that says so. */
const broken: Readonly<Record<string, readonly [found: RegExp, defect: (store: Store) => Partial<Store>]>> = {
  "writes for anybody": [
    /no lease/,
    (store) => ({
      write: (key, options) => Effect.andThen(store.lease(key, { ...options, ttl: 1 }), store.write(key, options))
    })
  ],
  "writes whatever the generation": [
    /older generation/,
    (store) => ({
      write: (key, options) =>
        Effect.flatMap(store.read(key), ({ generation }) =>
          Effect.andThen(
            store.lease(key, { ...options, generation, ttl: 1 }),
            store.write(key, { ...options, generation })
          )
        )
    })
  ],
  "removes whatever is there": [
    /only the token of this generation/,
    (store) => ({
      remove: (key) => Effect.flatMap(store.read(key), ({ generation }) => store.remove(key, { generation }))
    })
  ],
  "forgets the generation": [
    /only the token of this generation/,
    (store) => ({
      read: (key) =>
        Effect.map(store.read(key), (slot) => (slot.token === undefined ? { ...slot, generation: 0 } : slot))
    })
  ],
  "gives every lease": [/keeps others out/, () => ({ lease: () => Effect.succeed(true) })],
  "gives no lease twice": [
    /asked for again/,
    (store) => {
      const given = new Set<string>()
      return {
        lease: (key, options) =>
          Effect.suspend(() => {
            const id = `${key} ${options.owner}`
            if (given.has(id)) return Effect.succeed(false)
            given.add(id)
            return store.lease(key, options)
          })
      }
    }
  ],
  "never ends a lease": [
    /a lease ends by itself/,
    (store) => ({ lease: (key, options) => store.lease(key, { ...options, ttl: 1e9 }) })
  ],
  "lets anybody end a lease": [
    /until it is given back/,
    (store) => {
      const owners = new Map<string, string>()
      return {
        lease: (key, options) => {
          owners.set(key, options.owner)
          return store.lease(key, options)
        },
        release: (key) => store.release(key, { owner: owners.get(key) ?? "" })
      }
    }
  ],
  "never ends a token": [
    /a token ends/,
    (store) => ({ write: (key, options) => store.write(key, { ...options, ttl: 1e9 }) })
  ],
  "mixes slots": [/keeps slots apart/, (store) => ({ read: (key) => store.read(key.replace(/^x/, "")) })],
  "cuts tokens off": [
    /gives back/,
    (store) => ({
      read: (key) =>
        Effect.map(store.read(key), (slot) => (slot.lifetime > 7_000_000 ? { ...slot, token: undefined } : slot))
    })
  ],
  "drops the history": [
    /gives back/,
    (store) => ({ write: (key, options) => store.write(key, { ...options, history: "" }) })
  ],
  "stands still": [
    /tells its time/,
    (store) => ({ read: (key) => Effect.map(store.read(key), (slot) => ({ ...slot, now: 0 })) })
  ],
  "looks first and acts later": [
    /many at once/,
    (store) => ({
      lease: (key, { generation, owner, ttl }) =>
        Effect.flatMap(store.read(key), (slot) => {
          if (slot.generation !== generation || slot.leasedFor > 0) return Effect.succeed(false)
          return Effect.as(Effect.andThen(Effect.yieldNow, store.lease(key, { generation, owner, ttl })), true)
        })
    })
  ],
  "never calls": [/wakes/, () => ({ watch: () => Effect.succeed(Effect.never) })]
}

describe("TokenCacheConformance", () => {
  for (const [name, [found, defect]] of Object.entries(broken)) {
    const cases = TokenCacheConformance.cases.filter((one) => found.test(one.name))
    // what never calls takes the 10 seconds that a call may take
    it.live(`finds out a store that ${name}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(cases.length, 1)
        const store = yield* TokenCache.makeMemory
        const bad = TokenCache.TokenCache.of({ ...store, ...defect(store) })
        const error = yield* Effect.flip(Effect.provideService(cases[0]!.run, TokenCache.TokenCache, bad))
        assert.strictEqual(error._tag, "NotConforming")
      })
    )
  }
})
