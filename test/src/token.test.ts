/** The life of a token within one process, on the platform's own clock. */
import { assert, describe, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import * as Auth from "@qq-mini/core/Auth"
import { codes, fromCode } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { first, template_id } from "./support.ts"

const fetches = Effect.flatMap(Sandbox.Sandbox, (sandbox) => sandbox.count("auth.getAccessToken"))
const check = Security.msgSecCheck({ content: "x" })
const app = { appid: first.appid, appsecret: App.redact(first.appsecret) }
const messageTo = (touser: string) => SubscribeMessage.send({ touser, template_id, data: { keyword1: { value: "x" } } })

/** The token service alone, with its store in reach. */
const tokensOnly = AccessToken.layer.pipe(
  Layer.provideMerge(TokenCache.layerMemory),
  Layer.provideMerge(Sandbox.layerHttpClient),
  Layer.provideMerge(Sandbox.layerPlatform())
)

/** A client whose renewal is awaited, as where nothing may run after the answer. */
const awaited = Sandbox.layer.pipe(
  Layer.provide(Layer.succeed(QQMini.Settings, { ...QQMini.Settings.defaultValue(), renewal: "awaited" }))
)

describe("the token", () => {
  it.effect("T1: 10,000 callers on a cold client, 1 getToken; T4: killed under them, 1 more", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const users = yield* Effect.forEach(Array.from({ length: 10_000 }), (_, i) =>
        Effect.tap(sandbox.login({ user: `user ${i}` }), ({ openid }) => sandbox.subscribe({ openid, times: 2 }))
      )
      const sendAll = Effect.forEach(users, ({ openid }) => messageTo(openid), {
        concurrency: "unbounded",
        discard: true
      })
      yield* sendAll
      assert.strictEqual(yield* fetches, 1)
      yield* TestClock.adjust("1 day")
      yield* check
      assert.strictEqual(yield* fetches, 2)
      yield* sandbox.revokeTokens()
      yield* sendAll
      assert.strictEqual(yield* fetches, 3)
      const sent = (yield* sandbox.log).filter((e) => e.endpoint === "subscribeMessage.send" && e.code === 0)
      assert.strictEqual(sent.length, 20_000)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T1: 24 hours of calls cost one getToken for each lifetime, and no call fails", () =>
    Effect.gen(function* () {
      for (let minute = 0; minute < 24 * 60; minute++) {
        yield* check
        yield* TestClock.adjust("1 minute")
      }
      // a lifetime is 2 hours less the 5 minutes by which renewal begins ahead
      assert.strictEqual(yield* fetches, Math.ceil((24 * 60) / 115))
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T3: callers refused for the same token renew it once; a late refusal of an old one renews nothing", () =>
    Effect.gen(function* () {
      const tokens = yield* AccessToken.AccessToken
      const old = yield* tokens.get(app, 10_000)
      const [a, b] = yield* Effect.all([tokens.renew(app, old, 10_000), tokens.renew(app, old, 10_000)], {
        concurrency: 2
      })
      assert.strictEqual(a.generation, b.generation)
      assert.strictEqual((yield* tokens.renew(app, old, 10_000)).generation, a.generation)
      assert.strictEqual((yield* tokens.get(app, 10_000)).generation, a.generation)
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(tokensOnly))
  )

  it.effect("T4: a second refusal is the caller's error, for a send too", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { openid } = yield* sandbox.login()
      yield* sandbox.subscribe({ openid })
      yield* sandbox.fault({ kind: "badToken", endpoint: "subscribeMessage.send", times: 2 })
      const error = yield* Effect.flip(messageTo(openid))
      assert.strictEqual(error.reason._tag, "InvalidToken")
      assert.strictEqual(yield* sandbox.count("subscribeMessage.send"), 2)
      assert.strictEqual(yield* fetches, 2)
      yield* sandbox.fault({ kind: "badToken", endpoint: "subscribeMessage.send" })
      yield* messageTo(openid)
      assert.strictEqual(yield* sandbox.count("subscribeMessage.send"), 4)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T5: a wrong secret is asked for once, then fails at once for a minute", () =>
    Effect.gen(function* () {
      const wrong = Effect.flip(Security.msgSecCheck({ content: "x", appid: first.appid, appsecret: "wrong" }))
      for (let i = 0; i < 100; i++) assert.strictEqual((yield* wrong).reason._tag, "WrongSecret")
      assert.strictEqual(yield* fetches, 1)
      // the right secret is not held to account for it
      yield* check
      assert.strictEqual(yield* fetches, 2)
      const unknown = Effect.flip(Security.msgSecCheck({ content: "x", appid: "42", appsecret: "any" }))
      assert.strictEqual((yield* unknown).reason._tag, "InvalidAppId")
      assert.strictEqual((yield* unknown).reason._tag, "InvalidAppId")
      assert.strictEqual(yield* fetches, 3)
      yield* TestClock.adjust("61 seconds")
      yield* unknown
      assert.strictEqual(yield* fetches, 4)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T8: near the end one renews while all go on with the old token", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* check
      yield* TestClock.adjust("116 minutes")
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "3 seconds" })
      // nobody waits: the clock stands still, and 100 calls are answered
      yield* Effect.all(
        Array.from({ length: 100 }, () => check),
        { concurrency: "unbounded" }
      )
      yield* TestClock.adjust("3 seconds")
      yield* check
      assert.strictEqual(yield* fetches, 2)
      yield* TestClock.adjust("10 minutes")
      yield* check
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T8: a renewal that fails harms nobody, and is tried again a little later", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* check
      yield* TestClock.adjust("116 minutes")
      yield* sandbox.fault({ kind: "code", code: -1, endpoint: "auth.getAccessToken", during: "20 seconds" })
      for (let second = 0; second < 60; second++) {
        yield* check
        yield* TestClock.adjust("1 second")
      }
      // the first token, one renewal of three attempts, and the one that went well
      assert.strictEqual(yield* fetches, 1 + 3 + 1)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T8: where nothing may run after the answer, one caller waits for the renewal", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* check
      yield* TestClock.adjust("116 minutes")
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "3 seconds" })
      const one = yield* Effect.forkChild(check, { startImmediately: true })
      yield* check
      assert.isUndefined(one.pollUnsafe())
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(one)
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(awaited))
  )

  it.effect("T9: a caller that is interrupted does not cancel the fetch the others wait for", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "3 seconds" })
      const one = yield* Effect.forkChild(check, { startImmediately: true })
      const others = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(check, { startImmediately: true }))
      yield* Fiber.interrupt(one)
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.joinAll(others)
      assert.strictEqual(yield* fetches, 1)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T9: a frozen holder blocks others no longer than the lease; T2: its late token is dropped", () => {
    let key = ""
    // another holder takes the lease just before the first look at the slot
    const frozen = Layer.effect(
      TokenCache.TokenCache,
      Effect.map(TokenCache.makeMemory, (cache) =>
        TokenCache.TokenCache.of({
          ...cache,
          read: (slot) => {
            if (key !== "") return cache.read(slot)
            key = slot
            const lease = cache.lease(slot, { owner: "frozen", generation: 0, ttl: 8_000 })
            return Effect.andThen(Effect.orDie(lease), cache.read(slot))
          }
        })
      )
    )
    return Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const cache = yield* TokenCache.TokenCache
      const tokens = yield* AccessToken.AccessToken
      const waiting = yield* Effect.forkChild(tokens.get(app, 10_000), { startImmediately: true })
      const late = Redacted.make(yield* sandbox.stealToken())
      for (let i = 0; i < 70; i++) yield* TestClock.adjust("100 millis")
      assert.isUndefined(waiting.pollUnsafe())
      assert.strictEqual(yield* fetches, 0)
      for (let i = 0; i < 20; i++) yield* TestClock.adjust("100 millis")
      const token = yield* Fiber.join(waiting)
      assert.strictEqual(yield* fetches, 1)
      assert.match(key, new RegExp(`^${first.appid}:\\w+$`))
      assert.notInclude(key, String(first.appsecret))
      assert.isUndefined(yield* cache.write(key, { owner: "frozen", generation: 0, token: late, ttl: 1_000 }))
      assert.strictEqual((yield* tokens.get(app, 10_000)).generation, token.generation)
    }).pipe(
      Effect.provide(
        AccessToken.layer.pipe(
          Layer.provideMerge(frozen),
          Layer.provideMerge(Sandbox.layerHttpClient),
          Layer.provideMerge(Sandbox.layerPlatform())
        )
      )
    )
  })

  it.effect("a token that can't be stored is used all the same", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 20; i++) yield* check
      assert.strictEqual(yield* fetches, 1)
      yield* (yield* Sandbox.Sandbox).revokeTokens()
      yield* check
      assert.strictEqual(yield* fetches, 2)
    }).pipe(
      Effect.provide(
        QQMini.layerNoDeps.pipe(
          Layer.provide(AccessToken.layer),
          Layer.provide(Quota.layerMemory),
          Layer.provide(
            Layer.effect(
              TokenCache.TokenCache,
              Effect.map(TokenCache.makeMemory, (cache) =>
                TokenCache.TokenCache.of({
                  ...cache,
                  write: () => Effect.fail(new TokenCache.TokenCacheError({ operation: "write", problem: "full" }))
                })
              )
            )
          ),
          Layer.provide(Layer.merge(Sandbox.layerHttpClient, Sandbox.layerApps)),
          Layer.provideMerge(Sandbox.layerPlatform())
        )
      )
    )
  )

  it.effect("a wrong secret never gets the right one's token, and harms nobody who has the right one", () =>
    Effect.gen(function* () {
      yield* check
      const wrong = { appid: first.appid, appsecret: "wrong" }
      const refused = { ...wrong, content: "x" }
      assert.strictEqual((yield* Effect.flip(Auth.getAccessToken(wrong))).reason._tag, "WrongSecret")
      assert.strictEqual((yield* Effect.flip(Security.msgSecCheck(refused))).reason._tag, "WrongSecret")
      yield* TestClock.adjust("116 minutes")
      const before = yield* fetches
      assert.strictEqual((yield* Effect.flip(Auth.getAccessToken(wrong))).reason._tag, "WrongSecret")
      yield* check
      yield* check
      // the wrong one asked for itself, and the right one renewed
      assert.strictEqual((yield* fetches) - before, 2)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T5: several wrong secrets are each asked for once", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 20; i++) {
        const error = yield* Effect.flip(Auth.getAccessToken({ appid: first.appid, appsecret: `wrong${i % 2}` }))
        assert.strictEqual(error.reason._tag, "WrongSecret")
      }
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T5: a secret that was reset is noticed at the renewal, and asked for once a minute", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* check
      yield* TestClock.adjust("116 minutes")
      yield* sandbox.fault({ kind: "code", code: 40001, endpoint: "auth.getAccessToken", times: 100 })
      for (let second = 0; second < 120; second++) {
        yield* check
        yield* TestClock.adjust("1 second")
      }
      assert.strictEqual(yield* fetches, 1 + 2)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect(
    "asks no faster when getToken says that it is too often, or refuses otherwise; and busy is repeated once over",
    () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        for (const [code, expected] of [
          [45009, 1],
          [12345, 1],
          [-1, 3]
        ] as const) {
          yield* sandbox.clearLog
          yield* sandbox.fault({ kind: "code", code, endpoint: "auth.getAccessToken", times: 1_000 })
          const asking = yield* Effect.forkChild(
            Effect.flip(check).pipe(Effect.andThen(code === -1 ? Effect.void : Effect.flip(check)))
          )
          yield* TestClock.adjust("2 seconds")
          yield* Fiber.join(asking)
          assert.strictEqual(yield* fetches, expected)
          yield* sandbox.heal
          yield* TestClock.adjust("1 minute")
        }
      }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect.each([40001, 40002, 40013])("T5: getToken's %i is final", (code) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "code", code, endpoint: "auth.getAccessToken", times: 100 })
      for (let i = 0; i < 5; i++) yield* Effect.flip(check)
      assert.strictEqual(yield* fetches, 1)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect.each(codes.map(({ code }) => code))("getToken's code %i is the caller's reason", (code) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "code", code, endpoint: "auth.getAccessToken", times: 100 })
      const fiber = yield* Effect.forkChild(Effect.flip(check))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, fromCode("auth.getAccessToken", code, "")._tag)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T8: who waits for a renewal waits 2 seconds at the most, and goes on with the good old token", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* check
      yield* TestClock.adjust("116 minutes")
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 hour", times: 9 })
      const one = yield* Effect.forkChild(check, { startImmediately: true })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* Fiber.join(one), { risky: false })
    }).pipe(Effect.provide(awaited))
  )

  it.effect("T9: a holder that fails gives the lease back", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "code", code: 40036, endpoint: "auth.getAccessToken" })
      yield* Effect.flip(check)
      // a lease would last for 20 seconds; what QQ refused is not asked again for 5
      yield* TestClock.adjust("5 seconds")
      yield* check
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T3: a token that QQ refused is taken out of the store", () =>
    Effect.gen(function* () {
      const tokens = yield* AccessToken.AccessToken
      const sandbox = yield* Sandbox.Sandbox
      const old = yield* tokens.get(app, 10_000)
      yield* sandbox.fault({ kind: "code", code: 40036, endpoint: "auth.getAccessToken" })
      yield* Effect.flip(tokens.renew(app, old, 10_000))
      // another client of the same store does not find it any more
      const other = yield* AccessToken.make
      assert.notStrictEqual(Redacted.value((yield* other.get(app, 10_000)).value), Redacted.value(old.value))
    }).pipe(Effect.scoped, Effect.provide(tokensOnly))
  )

  it.effect("T4: killed while 200 calls are on their way: one getToken more, and no call fails", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* check
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 second" })
      yield* sandbox.revokeTokens()
      const fibers = yield* Effect.forEach(Array.from({ length: 200 }), () => Effect.forkChild(check))
      yield* TestClock.adjust("1 second")
      yield* Fiber.joinAll(fibers)
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T1: four clients on one store fetch once", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const client = QQMini.layerNoDeps.pipe(
        Layer.provide(AccessToken.layer),
        Layer.provide(Quota.layerMemory),
        Layer.fresh
      )
      const run = Effect.provide(
        Effect.all(
          Array.from({ length: 50 }, () => check),
          { concurrency: "unbounded" }
        ),
        client,
        { local: true }
      )
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 second" })
      const all = yield* Effect.forkChild(Effect.all([run, run, run, run], { concurrency: "unbounded" }))
      for (let i = 0; i < 30; i++) yield* TestClock.adjust("100 millis")
      yield* Fiber.join(all)
      assert.strictEqual(yield* fetches, 1)
    }).pipe(
      Effect.provide(
        Layer.mergeAll(TokenCache.layerMemory, Sandbox.layerHttpClient, Sandbox.layerApps).pipe(
          Layer.provideMerge(Sandbox.layerPlatform())
        )
      )
    )
  )

  it.effect("T1: those who ask with cache: false at the same time share one new token", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* check
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 second" })
      const fibers = yield* Effect.forEach(Array.from({ length: 50 }), () =>
        Effect.forkChild(Auth.getAccessToken({ cache: false }))
      )
      yield* TestClock.adjust("1 second")
      const tokens = yield* Fiber.joinAll(fibers)
      assert.strictEqual(new Set(tokens.map(Redacted.value)).size, 1)
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("cache: false gives a new token, also when another client of the store has a newer one already", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* AccessToken.make, yield* AccessToken.make]
      yield* a.get(app, 10_000)
      yield* b.refresh(app, 10_000)
      const seen = Redacted.value((yield* b.get(app, 10_000)).value)
      assert.notStrictEqual(Redacted.value((yield* a.refresh(app, 10_000)).value), seen)
      assert.strictEqual(yield* fetches, 3)
    }).pipe(Effect.scoped, Effect.provide(tokensOnly))
  )

  it.effect("cache: false is not content with what another caller just reads from the store", () =>
    Effect.gen(function* () {
      const shared = yield* TokenCache.TokenCache
      const other = yield* AccessToken.make
      const stored = yield* other.get(app, 10_000)
      const slow = TokenCache.TokenCache.of({ ...shared, read: (key) => Effect.delay(shared.read(key), "1 second") })
      const client = yield* Effect.provideService(AccessToken.make, TokenCache.TokenCache, slow)
      const reading = yield* Effect.forkChild(client.get(app, 10_000), { startImmediately: true })
      const fresh = yield* Effect.forkChild(client.refresh(app, 10_000), { startImmediately: true })
      const renewed = yield* Effect.forkChild(client.renew(app, stored, 10_000), { startImmediately: true })
      for (let i = 0; i < 60; i++) yield* TestClock.adjust("100 millis")
      assert.strictEqual((yield* Fiber.join(reading)).generation, stored.generation)
      assert.notStrictEqual((yield* Fiber.join(fresh)).generation, stored.generation)
      assert.notStrictEqual((yield* Fiber.join(renewed)).generation, stored.generation)
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.scoped, Effect.provide(tokensOnly))
  )

  it.effect("T4: a token is renewed once for a call, however often the call is repeated", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      for (const kind of ["badToken", "empty", "badToken"] as const) {
        yield* sandbox.fault({ kind, endpoint: "security.msgSecCheck" })
      }
      const call = yield* Effect.forkChild(Effect.flip(check))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(call)).reason._tag, "InvalidToken")
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("takes a lifetime beyond 2 hours for 2 hours", () =>
    Effect.gen(function* () {
      yield* check
      yield* TestClock.adjust("2 hours")
      yield* check
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(Sandbox.layerWith({ switches: { tokenLifetime: 36_000 } })))
  )
})
