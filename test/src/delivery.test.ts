/** D1 to D3 over real connections: what is repeated, what is not, and that every call ends in its time. */
import { assert, describe, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import type { CallOptions } from "@qq-mini/core/Endpoint"
import type { QQError, UnreadableAnswer } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { TestClock } from "effect/testing"
import { createServer as createHttpServer, type Server as HttpServer } from "node:http"
import { type AddressInfo, createServer, type Server } from "node:net"
import { withLimits } from "./support/limits.ts"
import { first, second, template_id } from "./support/calls.ts"

const overHttp = (platform?: Sandbox.Options, options?: NodeQQMini.Options) =>
  Layer.unwrap(
    Effect.map(SandboxServer.SandboxServer, ({ url }) =>
      NodeQQMini.layer({ apps: [first, second], baseUrl: url, ...options })
    )
  ).pipe(Layer.provideMerge(SandboxServer.layer(platform)))

/** A limiter that takes each limit for a tenth of it, so that fewer calls fill it. */
const tenth = Layer.effect(
  Quota.Quota,
  Effect.map(Quota.makeMemory, (quota) =>
    withLimits(quota, (limits) => limits.map((limit) => ({ ...limit, max: limit.max / 10 })))
  )
)

const messageTo = (touser: string) => SubscribeMessage.send({ touser, template_id, data: { keyword1: { value: "x" } } })

describe("delivery over HTTP", () => {
  it.live("D1, D2: 2,000 messages over connections that break: none twice, and every caller knows", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const users = yield* Effect.forEach(Array.from({ length: 2_000 }), (_, i) =>
        Effect.tap(sandbox.login({ user: `user ${i}` }), ({ openid }) => sandbox.subscribe({ openid, times: 2 }))
      )
      const endpoint = "subscribeMessage.send"
      yield* sandbox.fault({ kind: "resetBefore", endpoint, share: 0.2 })
      yield* sandbox.fault({ kind: "resetAfter", endpoint, share: 0.2 })
      yield* sandbox.fault({ kind: "badToken", endpoint, times: 2 })
      const told = yield* Effect.forEach(users, ({ openid }) => Effect.result(messageTo(openid)), {
        concurrency: 500
      })
      const log = (yield* sandbox.log).filter((entry) => entry.endpoint === endpoint && entry.code === 0)
      const received = new Map<unknown, number>()
      for (const { params } of log) received.set(params["touser"], (received.get(params["touser"]) ?? 0) + 1)
      const count = { sent: 0, notSent: 0, unknown: 0 }
      for (const [i, result] of told.entries()) {
        const got = received.get(users[i]!.openid) ?? 0
        assert.isAtMost(got, 1)
        if (Result.isSuccess(result)) {
          count.sent++
          assert.strictEqual(got, 1)
        } else if (result.failure.reason._tag === "OutcomeUnknown") {
          count.unknown++
        } else {
          count.notSent++
          assert.strictEqual(got, 0)
        }
      }
      assert.strictEqual(count.sent + count.notSent + count.unknown, 2_000)
      assert.isAbove(count.sent, 800)
      assert.isAbove(count.unknown, 400)
      // On a busy machine 2,000 messages take longer than a call usually may.
    }).pipe(Effect.provide(overHttp({}, { attemptTimeout: 60_000, deadline: 240_000 })))
  )

  it.live("D1: a send to a server that is not there is tried again, and is known not to have been sent", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(messageTo("X").pipe(Effect.provide(yield* nowhere)))
      assert.strictEqual(error.reason._tag, "ConnectionFailed")
      assert.include(error.message, "ECONNREFUSED")
    })
  )

  it.effect.each([
    ["the token", "auth.getAccessToken"],
    ["the answer", "security.msgSecCheck"]
  ] as const)("D3: a call that waits for %s ends with its deadline, to the millisecond", ([, endpoint]) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "slowHeaders", endpoint, times: 9, delay: "1 hour" })
      const call = yield* Effect.forkChild(
        Effect.flip(Security.msgSecCheck({ content: "x" }, { deadline: "400 millis" })),
        { startImmediately: true }
      )
      yield* TestClock.adjust("399 millis")
      assert.isUndefined(call.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.isDefined(call.pollUnsafe())
      assert.strictEqual((yield* Fiber.join(call)).reason._tag, "TimedOut")
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("an error says how many requests were sent and how long it took", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const failure = Effect.fnUntraced(function* (content: string, options?: CallOptions) {
        const call = yield* Effect.forkChild(Effect.flip(Security.msgSecCheck({ content }, options)))
        yield* TestClock.adjust("1 minute")
        return yield* Fiber.join(call)
      })
      const shown = ({ attempts, elapsed }: QQError) => ({ attempts, elapsed })

      assert.deepStrictEqual(shown(yield* failure("")), { attempts: 0, elapsed: 0 })

      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "security.msgSecCheck", times: 4, delay: "1 hour" })
      const alone = { attempts: 1, attemptTimeout: 100 }
      assert.deepStrictEqual(shown(yield* failure("x", alone)), { attempts: 1, elapsed: 100 })
      const thrice = yield* failure("x", { attemptTimeout: 100 })
      assert.strictEqual(thrice.attempts, 3)
      assert.isAtLeast(thrice.elapsed, 300)

      // A request that QQ refused for its token counts, the fetch of another token does not.
      yield* sandbox.fault({ kind: "badToken", endpoint: "security.msgSecCheck", times: 9 })
      const refused = yield* failure("x")
      assert.deepStrictEqual([refused.reason._tag, refused.code, refused.attempts], ["InvalidToken", 40001, 2])
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.live("D3: a call to a server that never says a word ends with its deadline", () =>
    Effect.gen(function* () {
      const server = yield* silentServer
      const client = NodeQQMini.layer({
        apps: [first],
        baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      })
      const call = Security.msgSecCheck({ content: "x" }, { deadline: "400 millis" })
      const error = yield* Effect.flip(call).pipe(Effect.provide(client))
      assert.strictEqual(error.reason._tag, "TimedOut")
      assert.include(error.message, "token")
    }).pipe(Effect.scoped)
  )

  it.live.each([
    ["a body that stalls", "stalls", "TimedOut"],
    ["a body that stops short of its length", "stops short", "TimedOut"],
    ["a body without end", "floods", "UnreadableAnswer"],
    ["a body that is announced too large", "announces", "UnreadableAnswer"]
  ] as const)(
    "D3, I2: %s ends the call, which read no more than an answer may have, and its connection",
    ([, kind, expected]) =>
      Effect.gen(function* () {
        const closed = Promise.withResolvers<void>()
        let left = 2
        const chunk = Buffer.alloc(64 * 1024, 0x20)
        const server = yield* Effect.acquireRelease(
          Effect.callback<HttpServer>((resume) => {
            const server = createHttpServer((request, response) => {
              if (request.url!.startsWith("/api/getToken")) {
                return response.end('{"access_token":"T","expires_in":7200}')
              }
              response.on("close", () => --left === 0 && closed.resolve())
              if (kind === "announces") response.setHeader("content-length", 2 ** 31)
              if (kind === "stops short") response.setHeader("content-length", 100)
              response.write('{"errCode":')
              const flood = () => {
                if (kind !== "floods") return
                while (!response.destroyed && response.write(chunk));
              }
              response.on("drain", flood)
              flood()
            })
            server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
          }),
          (server) => Effect.sync(() => server.close())
        )
        const error = yield* Effect.flip(
          Security.msgSecCheck(
            { content: "x" },
            {
              attempts: 2,
              attemptTimeout: expected === "TimedOut" ? "300 millis" : "20 seconds",
              deadline: "40 seconds"
            }
          )
        ).pipe(
          // while the client lives on
          Effect.tap(Effect.promise(() => closed.promise)),
          Effect.provide(
            NodeQQMini.layer({
              apps: [first],
              baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`
            })
          )
        )
        assert.strictEqual(error.reason._tag, expected)
        if (kind === "floods") assert.isAtMost((error.reason as UnreadableAnswer).size, 3 * 1024 * 1024)
      }).pipe(Effect.scoped)
  )

  it.effect("D3, Q2: the deadline bounds the wait for a quota, which fails at once with the time to come back", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const check = Security.msgSecCheck({ content: "x" })
      yield* Effect.all(
        Array.from({ length: 4_000 }, () => check),
        { concurrency: "unbounded" }
      )
      const error = yield* Effect.flip(check)
      assert.strictEqual(error.reason._tag, "QuotaReached")
      assert.isAbove(error.retryAfter ?? 0, 50_000)
      assert.strictEqual(yield* sandbox.count("security.msgSecCheck"), 4_000)
      // who brings more time waits, and is answered
      const patient = yield* Effect.forkChild(Security.msgSecCheck({ content: "x" }, { deadline: "2 minutes" }))
      const impatient = yield* Effect.flip(
        Security.msgSecCheck({ content: "x" }, { deadline: "2 minutes", quota: "fail" })
      )
      assert.strictEqual(impatient.reason._tag, "QuotaReached")
      // the other program has a quota of its own
      const others = Security.msgSecCheck({ content: "x", appid: second.appid }, { quota: "fail" })
      assert.deepStrictEqual(yield* others, { risky: false })
      yield* TestClock.adjust("63 seconds")
      assert.deepStrictEqual(yield* Fiber.join(patient), { risky: false })
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect.each([
    ["a token that takes long", "auth.getAccessToken", 1],
    ["answers that take long", "security.msgSecCheck", 64]
  ] as const)("Q1: %s makes no burst that QQ refuses", ([, endpoint, times]) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      if (endpoint === "security.msgSecCheck") yield* Security.msgSecCheck({ content: "x" })
      yield* sandbox.fault({ kind: "slowHeaders", endpoint, times, delay: "4 seconds" })
      const batch = Effect.forEach(
        Array.from({ length: 400 }),
        () =>
          Effect.result(Security.msgSecCheck({ content: "x" }, { deadline: "5 minutes", attemptTimeout: "1 minute" })),
        { concurrency: "unbounded" }
      )
      const first = yield* Effect.forkChild(batch)
      for (let i = 0; i < 620; i++) yield* TestClock.adjust("100 millis")
      const next = yield* Effect.forkChild(batch)
      for (let i = 0; i < 1_200; i++) yield* TestClock.adjust("100 millis")
      const results = [...(yield* Fiber.join(first)), ...(yield* Fiber.join(next))]
      assert.strictEqual(results.filter(Result.isSuccess).length, 800)
      const refused = (yield* sandbox.log).filter((e) => e.endpoint === "security.msgSecCheck" && e.code !== 0)
      assert.deepStrictEqual(refused, [])
    }).pipe(
      Effect.provide(
        QQMini.layerNoDeps.pipe(
          Layer.provide(AccessToken.layer),
          Layer.provide(TokenCache.layerMemory),
          Layer.provide(tenth),
          Layer.provide(Layer.merge(Sandbox.layerTransport, Sandbox.layerApps)),
          Layer.provideMerge(Sandbox.layerPlatform({ quota: { "security.msgSecCheck": [Quota.perMinute(400)] } }))
        )
      )
    )
  )

  it.effect("with room in the quota, callers who wait long for their turn lose neither it nor time", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* Security.msgSecCheck({ content: "x" })
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "security.msgSecCheck", times: 640, delay: "1 second" })
      // ten rounds of 64 turns, a second each
      const calls = Array.from({ length: 640 }, () =>
        Security.msgSecCheck({ content: "x" }, { deadline: "10500 millis" })
      )
      const fiber = yield* Effect.forkChild(Effect.all(calls.map(Effect.result), { concurrency: "unbounded" }))
      for (let i = 0; i < 110; i++) yield* TestClock.adjust("100 millis")
      assert.strictEqual((yield* Fiber.join(fiber)).filter(Result.isSuccess).length, 640)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("Q1: a send repeated with a new token takes a place of its own", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "badToken", endpoint: "security.msgSecCheck" })
      yield* Security.msgSecCheck({ content: "x" })
      const key = `${first.appid} security.msgSecCheck`
      const quota = yield* Quota.Quota
      assert.strictEqual(yield* quota.left({ key, limits: [Quota.perMinute(4_000)] }), 3_998)
    }).pipe(
      Effect.provide(
        QQMini.layerNoDeps.pipe(
          Layer.provide(AccessToken.layer),
          Layer.provide(TokenCache.layerMemory),
          Layer.provideMerge(Quota.layerMemory),
          Layer.provide(Layer.merge(Sandbox.layerTransport, Sandbox.layerApps)),
          Layer.provideMerge(Sandbox.layerPlatform())
        )
      )
    )
  )

  it.live("Q1: as fast as it can, a client never passes the platform's own rolling window", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const results = yield* Effect.forEach(
        Array.from({ length: 4_200 }),
        () => Effect.result(Security.msgSecCheck({ content: "x" }, { quota: "fail" })),
        { concurrency: 100 }
      )
      const passed = results.filter(Result.isSuccess).length
      assert.strictEqual(passed, 4_000)
      const refused = (yield* sandbox.log).filter((e) => e.endpoint === "security.msgSecCheck" && e.code !== 0)
      assert.deepStrictEqual(refused, [])
      // every call has the time that it needs
    }).pipe(Effect.provide(overHttp({}, { attemptTimeout: 60_000, deadline: 120_000 })))
  )

  it.live("a caller's turn: 1,000 sends at once over few connections are all sent, and none is called lost", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const users = yield* Effect.forEach(Array.from({ length: 1_000 }), (_, i) =>
        Effect.tap(sandbox.login({ user: `user ${i}` }), ({ openid }) => sandbox.subscribe({ openid }))
      )
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "subscribeMessage.send", times: 256, delay: "1 second" })
      const told = yield* Effect.forEach(users, ({ openid }) => Effect.result(messageTo(openid)), {
        concurrency: "unbounded"
      })
      assert.strictEqual(told.filter(Result.isSuccess).length, 1_000)
    }).pipe(Effect.provide(overHttp({}, { attemptTimeout: 3_000 })))
  )

  it.live("waiting for a turn ends with the deadline, and is known not to have been sent", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { openid } = yield* sandbox.login()
      yield* sandbox.subscribe({ openid })
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "security.msgSecCheck", times: 1, delay: "2 seconds" })
      const blocking = yield* Effect.forkChild(Security.msgSecCheck({ content: "x" }), { startImmediately: true })
      yield* Effect.repeat(sandbox.count("security.msgSecCheck"), { until: (count) => count === 1 }).pipe(Effect.ignore)
      const send = SubscribeMessage.send(
        { touser: openid, template_id, data: { keyword1: { value: "x" } } },
        { deadline: "200 millis" }
      )
      const error = yield* Effect.flip(send)
      assert.strictEqual(error.reason._tag, "TimedOut")
      assert.include(error.message, "queue")
      yield* Fiber.interrupt(blocking)
      assert.strictEqual(yield* sandbox.count("subscribeMessage.send"), 0)
      yield* messageTo(openid)
    }).pipe(
      Effect.provide(
        Sandbox.layer.pipe(
          Layer.provide(Layer.succeed(QQMini.Settings, { ...QQMini.Settings.defaultValue(), maxInFlight: 1 }))
        )
      )
    )
  )

  it.effect("a quota of another's counting can be put in its place", () =>
    Effect.gen(function* () {
      const limits = [Quota.perMinute(1)]
      const quota = yield* Quota.makeMemory
      assert.isTrue((yield* quota.reserve({ key: "k", limits, maxWait: 0, hold: 15_000 })).granted)
      assert.strictEqual(yield* quota.left({ key: "k", limits }), 0)
    })
  )
})

/** A server that takes connections and never says a word. */
const silentServer = Effect.acquireRelease(
  Effect.callback<Server>((resume) => {
    const server = createServer(() => {})
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.sync(() => server.close())
)

/** A client of a port on which nobody listens any more. */
const nowhere = Effect.map(
  Effect.scoped(Effect.map(silentServer, (server) => (server.address() as AddressInfo).port)),
  (port) => NodeQQMini.layer({ apps: [first], baseUrl: `http://127.0.0.1:${port}` })
)
