/** Token stores that fail: away, read-only, without their content, or with answers that come late. */
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { perRequest } from "./serverless.ts"
import { app, noGrace, platform } from "./token.ts"

type Store = TokenCache.TokenCache["Service"]
type Operation = TokenCache.TokenCacheError["operation"]

/** What an operation does while the store is away. */
export const away = (operation: Operation = "read") =>
  Effect.fail(new TokenCache.TokenCacheError({ operation, problem: "away" }))

/** A store in memory, some of whose operations are replaced. */
export const makeStore = (replace: (memory: Store) => Partial<Store>): Effect.Effect<Store> =>
  Effect.map(TokenCache.makeMemory, (memory) => TokenCache.TokenCache.of({ ...memory, ...replace(memory) }))

/** {@link makeStore} as a layer. */
export const layerStore = (replace: (memory: Store) => Partial<Store>) =>
  Layer.effect(TokenCache.TokenCache, makeStore(replace))

/** A client whose store fails as `faults` says at the time, and that store beside it. */
export const faultyStore = () => {
  const faults = {
    /** Every operation fails. */
    away: false,
    /** Every operation but reading fails. */
    readOnly: false,
    /** How many writes are done and answered with an error. */
    loseWriteAnswers: 0,
    /** The store goes away with the first write that it refuses. */
    awayAfterRefusedWrite: false
  }
  let memory: Store
  const renew = Effect.map(TokenCache.makeMemory, (made) => void (memory = made))
  const unlessFaulty = <A>(operation: Operation, effect: () => Effect.Effect<A, TokenCache.TokenCacheError>) =>
    Effect.suspend(() => (faults.away || (faults.readOnly && operation !== "read") ? away(operation) : effect()))
  const store = TokenCache.TokenCache.of({
    read: (key) => unlessFaulty("read", () => memory.read(key)),
    lease: (key, options) => unlessFaulty("lease", () => memory.lease(key, options)),
    write: (key, options) =>
      unlessFaulty("write", () =>
        Effect.andThen(memory.write(key, options), (generation) => {
          if (faults.awayAfterRefusedWrite && generation === undefined) faults.away = true
          return faults.loseWriteAnswers-- > 0
            ? Effect.fail(new TokenCache.TokenCacheError({ operation: "write", problem: "no answer" }))
            : Effect.succeed(generation)
        })
      ),
    remove: (key, options) => unlessFaulty("remove", () => memory.remove(key, options)),
    release: (key, options) => unlessFaulty("release", () => memory.release(key, options))
  })
  const client = QQMini.layerStores.pipe(
    Layer.provideMerge(Layer.effect(TokenCache.TokenCache, Effect.as(renew, store))),
    Layer.provideMerge(Quota.layerMemory),
    Layer.provideMerge(Layer.merge(Sandbox.layerTransport, Sandbox.layerApps)),
    Layer.provideMerge(Sandbox.layerPlatform(noGrace))
  )
  /** `lose` makes the store forget its content. */
  return { faults, lose: renew, client }
}

/** A token service on this store. */
export const tokensOn = (store: Store) => Effect.provideService(AccessToken.make, TokenCache.TokenCache, store)

/**
 * Two token services on one store in memory. `other` uses it as it is. `tokens` gets a read's answer, true at the time of
 * the request, only after `beforeAnswer`, and a lease's answer after `afterLease`.
 */
export const lateStore = Effect.fnUntraced(function* (
  beforeAnswer: () => Effect.Effect<void, TokenCache.TokenCacheError>,
  afterLease: Effect.Effect<void> = Effect.void
) {
  const memory = yield* TokenCache.makeMemory
  const late = TokenCache.TokenCache.of({
    ...memory,
    read: (key) => Effect.tap(memory.read(key), () => beforeAnswer()),
    lease: (key, options) => Effect.tap(memory.lease(key, options), () => afterLease)
  })
  return { memory, tokens: yield* tokensOn(late), other: yield* tokensOn(memory) }
})

/** A client for Workers whose store can't be read: a read does this instead. */
export const requestClientWithoutStore = (read: Effect.Effect<never, TokenCache.TokenCacheError>) =>
  QQMini.layerStores.pipe(
    Layer.provide(
      Layer.merge(
        Quota.layerMemory,
        layerStore(() => ({ read: () => read }))
      )
    ),
    Layer.provide(Layer.merge(Sandbox.layerApps, perRequest)),
    Layer.provideMerge(platform)
  )

/** A client whose store fails over to a replica. */
export const failoverStore = () => {
  let master: Store | undefined
  const store = Effect.map(TokenCache.makeMemory, (replica) =>
    TokenCache.TokenCache.of({
      ...replica,
      read: (key) =>
        Effect.suspend(() => {
          const reads = master ?? replica
          master = undefined
          return reads.read(key)
        })
    })
  )
  /** Gives the token that the client finds at its next read, and that the replica has not. */
  const loseLastWrite = Effect.gen(function* () {
    yield* TestClock.adjust("1 second")
    const memory = yield* TokenCache.makeMemory
    const token = yield* (yield* tokensOn(memory)).get(app, 10_000)
    master = memory
    return token
  })
  const client = QQMini.layerNoDeps.pipe(
    Layer.provideMerge(AccessToken.layer),
    Layer.provide(Layer.effect(TokenCache.TokenCache, store)),
    Layer.provide(Layer.merge(Quota.layerMemory, Sandbox.layerApps))
  )
  return { client, loseLastWrite }
}
