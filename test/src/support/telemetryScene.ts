/** Calls, faults, waits and a broadcast that together make everything that telemetry can show. */
import * as Auth from "@qq-mini/core/Auth"
import * as Broadcast from "@qq-mini/core/Broadcast"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import * as SendLedger from "@qq-mini/core/SendLedger"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { calls, first, newGuest, second, session_key, template_id } from "./calls.ts"
import { watch } from "./watch.ts"

const settings = Layer.succeed(QQMini.Settings, {
  ...QQMini.Settings.defaultValue(),
  retry: { attempts: 2, firstPause: 1, maxPause: 1 }
})

/** Makes everything that telemetry shows, which `telemetry` provides. Returns the secrets, which nothing may show. */
export const scene = (telemetry: Layer.Layer<never>): Effect.Effect<ReadonlySet<string>> => {
  const secrets = new Set([first.appsecret as string, second.appsecret as string, session_key, "aTokenOfTheCaller"])
  const outside = watch(secrets).pipe(
    Layer.provide(Sandbox.layerTransport),
    Layer.provideMerge(Sandbox.layerApps),
    Layer.provideMerge(Sandbox.layerPlatform()),
    Layer.merge(Layer.merge(telemetry, settings))
  )
  const check = Security.msgSecCheck({ content: "x" })

  const everyCall = Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    for (const [name, call] of Object.entries(calls)) {
      const guest = yield* newGuest(sandbox, name)
      secrets.add(guest.code).add(guest.session_key)
      yield* call(guest)
    }
    secrets.add("aVeryWrongCode")
    yield* Effect.exit(Security.msgSecCheck({ content: "x", access_token: "aTokenOfTheCaller" }))
    yield* Effect.exit(Auth.code2Session({ code: "aVeryWrongCode" }))
    yield* sandbox.fault({ kind: "resetBefore", endpoint: "security.msgSecCheck" })
    yield* check
    yield* Effect.exit(QQMini.request({ path: "/api/json/group/anId" }))
    yield* Effect.exit(Auth.getAccessToken({ cache: false, appid: "42", appsecret: "aVeryWrongSecret" }))
    secrets.add("aVeryWrongSecret")
  }).pipe(Effect.provide(QQMini.layer))

  const deadTokens = Effect.gen(function* () {
    yield* (yield* Sandbox.Sandbox).fault({ kind: "badToken", times: 20 })
    for (let i = 0; i < 4; i++) yield* Effect.exit(check)
    yield* (yield* Sandbox.Sandbox).heal
  }).pipe(Effect.provide(QQMini.layer))

  // Of two processes that share a store, one fetches.
  const twoProcesses = Effect.gen(function* () {
    const stores = Layer.merge(Layer.succeed(TokenCache.TokenCache, yield* TokenCache.makeMemory), Quota.layerMemory)
    for (let i = 0; i < 2; i++) yield* Effect.provide(check, Layer.provide(QQMini.layerStores, stores))
  })

  const brokenStore = Effect.gen(function* () {
    const cache = yield* TokenCache.makeMemory
    const broken = TokenCache.TokenCache.of({
      ...cache,
      read: () => Effect.fail(new TokenCache.TokenCacheError({ operation: "read", problem: "ECONNRESET" }))
    })
    const stores = Layer.merge(Layer.succeed(TokenCache.TokenCache, broken), Quota.layerMemory)
    yield* Effect.provide(check, Layer.provide(QQMini.layerStores, stores))
  })

  // The second call of a minute waits for the next one.
  const fullQuota = Effect.gen(function* () {
    const limits = [{ max: 1, window: "minute" }] as const
    const call = QQMini.request(
      { path: "/api/json/security/MsgSecCheck", body: { appid: first.appid, content: "x" }, limits },
      { deadline: "10 minutes" }
    )
    yield* call
    const second = yield* Effect.forkChild(call)
    while (second.pollUnsafe() === undefined) yield* TestClock.adjust("10 seconds")
    yield* Fiber.join(second)
  }).pipe(Effect.provide(QQMini.layer), Effect.provide(TestClock.layer()))

  const broadcast = Effect.gen(function* () {
    const { openid } = yield* newGuest(yield* Sandbox.Sandbox, "of a broadcast")
    const { step } = yield* Broadcast.makeSteps({ id: "autumn", template_id, recipients: [{ openid, keyword1: "x" }] })
    yield* step({ budget: "1 minute" })
  }).pipe(Effect.provide([QQMini.layer, SendLedger.layerMemory, Quota.layerMemory]))

  return Effect.all([everyCall, deadTokens, twoProcesses, brokenStore, fullQuota, broadcast], { discard: true }).pipe(
    Effect.provide(outside),
    Effect.orDie,
    Effect.as(secrets)
  )
}
