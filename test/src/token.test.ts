/** The life of a token within one process, on the platform's own clock. */
import { assert, describe, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import * as Auth from "@qq-mini/core/Auth"
import { allCodes } from "@qq-mini/core/Endpoints"
import { fromCode } from "@qq-mini/core/QQError"
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
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { first, template_id } from "./support.ts"

const fetches = Effect.flatMap(Sandbox.Sandbox, (sandbox) => sandbox.count("auth.getAccessToken"))
/** Waits until getToken was called so often. */
const fetched = (times: number) => Effect.repeat(Effect.andThen(Effect.yieldNow, fetches), { until: (n) => n >= times })
const check = Security.msgSecCheck({ content: "x" })
const app = { appid: first.appid, appsecret: App.redact(first.appsecret) }
const messageTo = (touser: string) => SubscribeMessage.send({ touser, template_id, data: { keyword1: { value: "x" } } })

/** The token service alone, with its store in reach. */
const tokensOnly = AccessToken.layer.pipe(
  Layer.provideMerge(TokenCache.layerMemory),
  Layer.provideMerge(Sandbox.layerHttpClient),
  Layer.provideMerge(Sandbox.layerPlatform())
)

/** That renewal is awaited, as where nothing may run after the answer. */
const awaiting = Layer.succeed(QQMini.Settings, { ...QQMini.Settings.defaultValue(), renewal: "awaited" })
const awaited = Sandbox.layer.pipe(Layer.provide(awaiting))

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

  it.effect("T1: 24 hours, four holders of one store: one getToken for each lifetime, and no call fails", () =>
    Effect.gen(function* () {
      const client = Layer.fresh(QQMini.layerStores)
      const holders = yield* Effect.all(
        Array.from({ length: 4 }, () => Layer.build(client)),
        { concurrency: 4 }
      )
      for (let minute = 0; minute < 24 * 60; minute++) {
        const round = yield* Effect.forkChild(
          Effect.forEach(holders, (holder) => Effect.provide(check, holder), { concurrency: "unbounded" })
        )
        // holders that wait for another's fetch look again by the clock
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(round)
        yield* TestClock.adjust("59 seconds")
      }
      // a lifetime is 2 hours less the 5 minutes by which renewal begins ahead
      assert.strictEqual(yield* fetches, Math.ceil((24 * 60) / 115))
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.mergeAll(TokenCache.layerMemory, Quota.layerMemory, Sandbox.layerHttpClient, Sandbox.layerApps).pipe(
          Layer.provideMerge(Sandbox.layerPlatform())
        )
      )
    )
  )

  it.effect("T3: callers refused for the same token renew it once; a late refusal of an old one renews nothing", () =>
    Effect.gen(function* () {
      const tokens = yield* AccessToken.AccessToken
      const old = yield* tokens.get(app, 10_000)
      const [a, b] = yield* Effect.all([tokens.renew(app, old, 10_000), tokens.renew(app, old, 10_000)], {
        concurrency: 2
      })
      const { generation } = a.token
      assert.strictEqual(b.token.generation, generation)
      assert.strictEqual((yield* tokens.renew(app, old, 10_000)).token.generation, generation)
      assert.strictEqual((yield* tokens.get(app, 10_000)).generation, generation)
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
      assert.isUndefined(
        yield* cache.write(key, { owner: "frozen", generation: 0, token: late, ttl: 1_000, history: "" })
      )
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
      const soon = Effect.andThen(Effect.forkChild(check, { startImmediately: true }), (fiber) =>
        Effect.andThen(TestClock.adjust("1 second"), Fiber.join(fiber))
      )
      for (let i = 0; i < 20; i++) yield* soon
      assert.strictEqual(yield* fetches, 1)
      yield* (yield* Sandbox.Sandbox).revokeTokens()
      yield* soon
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
      // the wrong one asked for itself, and the right one renewed, which no call waits for
      yield* fetched(before + 2)
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

  it.effect.each([...new Set(allCodes().map(({ code }) => code))])(
    "getToken's code %i is the caller's reason",
    (code) =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        yield* sandbox.fault({ kind: "code", code, endpoint: "auth.getAccessToken", times: 100 })
        const fiber = yield* Effect.forkChild(Effect.flip(check))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, fromCode(Auth.getAccessToken.codes, code, "")._tag)
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
      assert.notStrictEqual((yield* Fiber.join(renewed)).token.generation, stored.generation)
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

  const noGrace = { switches: { oldTokenGrace: 0 } }
  /** Each second a check, for so many minutes; what came of them, and what happens every 10 seconds. */
  const minutes = Effect.fnUntraced(function* (
    count: number,
    every10s: Effect.Effect<unknown, never, Sandbox.Sandbox>
  ) {
    const outcomes: Record<string, number> = {}
    for (let second = 0; second < count * 60; second++) {
      if (second % 10 === 0) yield* every10s
      const outcome = yield* Effect.match(check, {
        onSuccess: () => "ok",
        onFailure: ({ reason }) => reason._tag as string
      })
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      yield* TestClock.adjust("1 second")
    }
    return outcomes
  })
  const thief = Effect.flatMap(Sandbox.Sandbox, (sandbox) => sandbox.stealToken())

  it.effect("T7: a thief every 10 seconds: the ping-pong stops, is told, and ends when the thief does", () =>
    Effect.gen(function* () {
      const seen: Array<AccessToken.TokenEvent> = []
      yield* Effect.forkChild(
        Stream.runForEach(AccessToken.events, (event) => Effect.sync(() => seen.push(event))),
        { startImmediately: true }
      )
      const hour = yield* minutes(60, thief)
      assert.deepStrictEqual(Object.keys(hour).toSorted(), ["TokenContested", "ok"])
      // four at once, and one every 10 minutes
      assert.strictEqual(yield* fetches, 4 + 5)
      const error = yield* Effect.flip(check)
      assert.strictEqual(error.reason._tag, "TokenContested")
      if (error.reason._tag === "TokenContested") {
        assert.isAtLeast(error.reason.deaths, 4)
        assert.strictEqual(error.reason.ownFetches, 0)
        assert.strictEqual(error.reason.fetchedAgo.length, 6)
        assert.isAtMost(error.reason.fetchedAgo.at(-1)!, 600_000)
        assert.isAtMost(error.retryAfter!, 600_000)
      }
      assert.include(error.message, "another deployment")
      assert.include(error.message, "另有服务")
      yield* minutes(12, Effect.void)
      assert.deepStrictEqual(yield* minutes(200, Effect.void), { ok: 12_000 })
      // the last probe lasted, and was renewed in its time
      assert.isAtMost(yield* fetches, 9 + 1 + 2)
      const count = (tag: AccessToken.TokenEvent["_tag"]) => seen.filter(({ _tag }) => _tag === tag).length
      assert.strictEqual(count("Contested"), 6)
      assert.isAtLeast(count("Invalidated"), 9)
      assert.isAtLeast(count("Renewed"), 1)
    }).pipe(Effect.provide(Sandbox.layerWith(noGrace)))
  )

  it.effect("T7: with QQ's 5 minutes of grace a thief costs a fetch now and then, and no call", () =>
    Effect.gen(function* () {
      const waits: Array<number> = []
      yield* Effect.forkChild(
        Stream.runForEach(AccessToken.events, (event) =>
          Effect.sync(() => event._tag === "Contested" && waits.push(event.reason.wait))
        ),
        { startImmediately: true }
      )
      assert.deepStrictEqual(yield* minutes(120, thief), { ok: 7_200 })
      assert.isAtMost(yield* fetches, 120 / 5)
      // it is told all the same: after three deaths, and then now and then
      assert.deepStrictEqual(waits, [0, 0])
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T7: those who share a store share what they know of the thief", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      for (let i = 0; i < 8; i++) {
        // each process is another, with nothing in its memory
        const tokens = yield* AccessToken.make
        const token = yield* Effect.result(tokens.get(app, 10_000))
        if (token._tag === "Success") {
          yield* sandbox.revokeTokens()
          yield* Effect.result(tokens.renew(app, token.success, 10_000))
        }
        yield* sandbox.revokeTokens()
        yield* TestClock.adjust("5 seconds")
      }
      assert.strictEqual(yield* fetches, 4)
    }).pipe(Effect.scoped, Effect.provide(tokensOnly))
  )

  it.effect("a single early death, or one a day, is nobody's contest", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      for (let day = 1; day <= 10; day++) {
        yield* check
        yield* sandbox.revokeTokens()
        yield* check
        assert.strictEqual(yield* fetches, 2 * day)
        yield* TestClock.adjust("1 day")
      }
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T4: a call that finds another's token dead as well is renewed once more", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const [a, b] = yield* Effect.all([
        Layer.build(Layer.fresh(QQMini.layerStores)),
        Layer.build(Layer.fresh(QQMini.layerStores))
      ])
      yield* Effect.provide(check, a)
      yield* Effect.provide(check, b)
      // one of them has a newer one, and then all are dead
      yield* Effect.provide(Auth.getAccessToken({ cache: false }), a)
      yield* sandbox.revokeTokens()
      yield* Effect.provide(check, b)
      assert.strictEqual(yield* fetches, 3)
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.mergeAll(TokenCache.layerMemory, Quota.layerMemory, Sandbox.layerHttpClient, Sandbox.layerApps).pipe(
          Layer.provideMerge(Sandbox.layerPlatform())
        )
      )
    )
  )

  /** A store that can be away, and what is in it. */
  const mortal = () => {
    const state = {
      away: false,
      awayAfterWrite: false,
      readOnly: false,
      loseWrites: 0,
      key: "",
      wipe: Effect.void as Effect.Effect<void>
    }
    const store = Layer.effect(
      TokenCache.TokenCache,
      Effect.gen(function* () {
        let memory = yield* TokenCache.makeMemory
        state.wipe = Effect.map(TokenCache.makeMemory, (fresh) => {
          memory = fresh
        })
        const unless = <A>(
          operation: TokenCache.TokenCacheError["operation"],
          effect: () => Effect.Effect<A, TokenCache.TokenCacheError>
        ) =>
          Effect.suspend(() =>
            state.away || (state.readOnly && operation !== "read")
              ? Effect.fail(new TokenCache.TokenCacheError({ operation, problem: "away" }))
              : effect()
          )
        return TokenCache.TokenCache.of({
          read: (key) => {
            state.key = key
            return unless("read", () => memory.read(key))
          },
          lease: (key, options) => unless("lease", () => memory.lease(key, options)),
          write: (key, options) =>
            unless("write", () =>
              Effect.andThen(memory.write(key, options), (generation) => {
                // heard of only when it is repeated, and then the store is gone
                if (state.awayAfterWrite && generation === undefined) state.away = true
                return state.loseWrites-- > 0
                  ? Effect.fail(new TokenCache.TokenCacheError({ operation: "write", problem: "no answer" }))
                  : Effect.succeed(generation)
              })
            ),
          remove: (key, options) => unless("remove", () => memory.remove(key, options)),
          release: (key, options) => unless("release", () => memory.release(key, options))
        })
      })
    )
    const layer = QQMini.layerStores.pipe(
      Layer.provideMerge(store),
      Layer.provide(Quota.layerMemory),
      Layer.provideMerge(Layer.merge(Sandbox.layerHttpClient, Sandbox.layerApps)),
      Layer.provideMerge(Sandbox.layerPlatform(noGrace))
    )
    return { state, layer }
  }
  /** A call for which the clock moves on. */
  const moving = <A, E, R>(call: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.result(call), { startImmediately: true })
      for (let i = 0; i < 30 && fiber.pollUnsafe() === undefined; i++) yield* TestClock.adjust("100 millis")
      return yield* Fiber.join(fiber)
    })

  it.effect(
    "T6: without its store a process goes on, fetches three times in 10 minutes at the most, and comes back",
    () => {
      const { layer, state } = mortal()
      return Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const seen: Array<string> = []
        yield* Effect.forkChild(
          Stream.runForEach(AccessToken.events, ({ _tag }) => Effect.sync(() => seen.push(_tag))),
          { startImmediately: true }
        )
        yield* check
        state.away = true
        yield* TestClock.adjust("116 minutes")
        // the renewal ahead can wait for the store: the token is good
        for (let i = 0; i < 100; i++) assert.strictEqual((yield* moving(check))._tag, "Success")
        assert.strictEqual(yield* fetches, 1)
        for (let death = 1; death <= 3; death++) {
          yield* sandbox.revokeTokens()
          assert.strictEqual((yield* moving(check))._tag, "Success")
          assert.strictEqual(yield* fetches, 1 + death)
        }
        yield* sandbox.revokeTokens()
        for (let i = 0; i < 20; i++) {
          const result = yield* moving(check)
          assert.strictEqual(result._tag === "Failure" && result.failure.reason._tag, "StoreFailed")
        }
        assert.strictEqual(yield* fetches, 4)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual((yield* moving(check))._tag, "Success")
        state.away = false
        yield* TestClock.adjust("1 minute")
        // what it fetched alone is everybody's now
        const other = yield* Layer.build(Layer.fresh(QQMini.layerStores)).pipe(
          Effect.provide(Layer.mergeAll(Quota.layerMemory, Sandbox.layerHttpClient, Sandbox.layerApps))
        )
        yield* Effect.provide(check, other)
        assert.strictEqual(yield* fetches, 5)
        assert.deepStrictEqual(
          seen.filter((tag) => tag.startsWith("Store")),
          ["StoreLost", "StoreBack"]
        )
      }).pipe(Effect.scoped, Effect.provide(layer))
    }
  )

  it.effect("T6: where nothing may run after the answer, the calls bring what was fetched alone into the store", () => {
    const { layer, state } = mortal()
    return Effect.gen(function* () {
      const cache = yield* TokenCache.TokenCache
      state.away = true
      assert.strictEqual((yield* moving(check))._tag, "Success")
      state.away = false
      yield* TestClock.adjust("10 minutes")
      assert.isUndefined((yield* cache.read(state.key)).token)
      yield* check
      assert.isDefined((yield* cache.read(state.key)).token)
      for (let i = 0; i < 10; i++) {
        yield* TestClock.adjust("10 seconds")
        yield* check
      }
      assert.strictEqual(yield* fetches, 1)
    }).pipe(Effect.provide(layer.pipe(Layer.provide(awaiting))))
  })

  it.effect("T9: where nothing may run after the answer, a fetch ends with the last who waits for it", () => {
    const { layer, state } = mortal()
    return Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const cache = yield* TokenCache.TokenCache
      const tokens = yield* AccessToken.AccessToken
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 hour", times: 9 })
      const callers = yield* Effect.forEach([1_000, 3_000], (within) =>
        Effect.forkChild(Effect.result(tokens.get(app, within)), { startImmediately: true })
      )
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(callers[0]!))._tag, "Failure")
      assert.isAbove((yield* cache.read(state.key)).leasedFor, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(callers[1]!))._tag, "Failure")
      assert.strictEqual((yield* cache.read(state.key)).leasedFor, 0)
      assert.strictEqual(yield* fetches, 1)
      // and a caller after them begins anew
      yield* sandbox.heal
      yield* tokens.get(app, 1_000)
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(layer.pipe(Layer.provide(awaiting))))
  })

  it.effect("T6: a store that lost its content has the token again from whoever renews, and no call fails", () => {
    const { layer, state } = mortal()
    return Effect.gen(function* () {
      yield* check
      yield* state.wipe
      for (let minute = 0; minute < 130; minute++) {
        yield* check
        yield* TestClock.adjust("1 minute")
      }
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(layer))
  })

  it.effect("T6: what fetched nothing is not held against a process without its store", () => {
    const { layer, state } = mortal()
    return Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      state.away = true
      yield* sandbox.fault({ kind: "code", code: -1, endpoint: "auth.getAccessToken", times: 1_000 })
      for (let i = 0; i < 5; i++) {
        const result = yield* moving(check)
        assert.strictEqual(result._tag === "Failure" && result.failure.reason._tag, "SystemBusy")
      }
      yield* sandbox.heal
      assert.strictEqual((yield* moving(check))._tag, "Success")
    }).pipe(Effect.provide(layer))
  })

  it.effect("T6: a store that reads and can't write is lost once, and back once", () => {
    const { layer, state } = mortal()
    return Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const cache = yield* TokenCache.TokenCache
      const seen: Array<string> = []
      yield* Effect.forkChild(
        Stream.runForEach(AccessToken.events, ({ _tag }) => Effect.sync(() => seen.push(_tag))),
        { startImmediately: true }
      )
      state.readOnly = true
      for (let i = 0; i < 3; i++) {
        assert.strictEqual((yield* moving(check))._tag, "Success")
        yield* TestClock.adjust("3 minutes")
        yield* sandbox.revokeTokens()
      }
      assert.isUndefined((yield* cache.read("any")).token)
      state.readOnly = false
      assert.strictEqual((yield* moving(check))._tag, "Success")
      yield* TestClock.adjust("1 minute")
      const store = seen.filter((tag) => tag.startsWith("Store"))
      assert.deepStrictEqual(store, ["StoreLost", "StoreBack"])
    }).pipe(Effect.provide(layer))
  })

  it.effect("T2: a token fetched alone never comes after a newer one, though that died and the slot is empty", () => {
    const { layer, state } = mortal()
    return Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const cache = yield* TokenCache.TokenCache
      state.away = true
      assert.strictEqual((yield* moving(check))._tag, "Success")
      const alone = Redacted.value(yield* Auth.getAccessToken())
      // a newer one of somebody's, and it is dead
      yield* TestClock.adjust("300 millis")
      state.away = false
      const other = yield* AccessToken.make
      const newer = yield* other.refresh(app, 10_000)
      yield* sandbox.fault({ kind: "code", code: 40036, endpoint: "auth.getAccessToken", times: 100 })
      yield* Effect.flip(other.renew(app, newer, 10_000))
      yield* TestClock.adjust("1 minute")
      const slot = yield* cache.read(state.key)
      assert.isTrue(slot.token === undefined || Redacted.value(slot.token) !== alone)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("T3: a token is the same under whatever number: refused, it is replaced by another", () => {
    const { layer, state } = mortal()
    return Effect.gen(function* () {
      const tokens = yield* AccessToken.AccessToken
      state.away = true
      const fiber = yield* Effect.forkChild(tokens.get(app, 10_000), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      const alone = yield* Fiber.join(fiber)
      state.away = false
      yield* TestClock.adjust("10 seconds")
      const stored = yield* tokens.get(app, 10_000)
      assert.strictEqual(Redacted.value(stored.value), Redacted.value(alone.value))
      assert.notStrictEqual(stored.generation, alone.generation)
      const { token } = yield* tokens.renew(app, alone, 10_000)
      assert.notStrictEqual(Redacted.value(token.value), Redacted.value(alone.value))
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(layer))
  })

  it.effect("cache: false fetches once, also when the answer to its write gets lost", () => {
    const { layer, state } = mortal()
    return Effect.gen(function* () {
      yield* check
      state.loseWrites = 1
      assert.strictEqual((yield* moving(Auth.getAccessToken({ cache: false })))._tag, "Success")
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(layer))
  })

  it.effect("T6: cache: false gets its token without the store, also when it joins a renewal that gives up", () => {
    const { layer, state } = mortal()
    return Effect.gen(function* () {
      yield* check
      yield* TestClock.adjust("116 minutes")
      state.away = true
      yield* check
      assert.strictEqual((yield* moving(Auth.getAccessToken({ cache: false })))._tag, "Success")
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(layer))
  })

  it.effect("a store that takes nothing costs no second fetch", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory
      const deaf = TokenCache.TokenCache.of({ ...cache, write: () => Effect.undefined })
      const tokens = yield* Effect.provideService(AccessToken.make, TokenCache.TokenCache, deaf)
      for (let i = 0; i < 5; i++) yield* tokens.get(app, 10_000)
      assert.strictEqual(yield* fetches, 1)
    }).pipe(Effect.scoped, Effect.provide(tokensOnly))
  )

  it.effect("T1, T9: a holder whose fetch takes longer than a lease keeps it, because it says that it lives", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const [a, b] = [yield* AccessToken.make, yield* AccessToken.make]
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", times: 1, delay: "9 seconds" })
      const one = yield* Effect.forkChild(a.get(app, 14_000), { startImmediately: true })
      const other = yield* Effect.forkChild(b.get(app, 14_000), { startImmediately: true })
      for (let i = 0; i < 140; i++) yield* TestClock.adjust("100 millis")
      assert.strictEqual((yield* Fiber.join(one)).generation, (yield* Fiber.join(other)).generation)
      assert.strictEqual(yield* fetches, 1)
    }).pipe(
      Effect.scoped,
      Effect.provide(tokensOnly),
      Effect.provideService(QQMini.Settings, { ...QQMini.Settings.defaultValue(), attemptTimeout: 14_000 })
    )
  )

  it.effect("T6: what was fetched is kept, though its writing got lost and then the store", () => {
    const { layer, state } = mortal()
    return Effect.gen(function* () {
      yield* check
      state.loseWrites = 1
      state.awayAfterWrite = true
      yield* (yield* Sandbox.Sandbox).revokeTokens()
      assert.strictEqual((yield* moving(check))._tag, "Success")
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(layer))
  })
})
