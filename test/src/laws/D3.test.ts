/** D3: one deadline covers waiting, token, every attempt and every pause. */
import { assert, it } from "@effect/vitest"
import type { UnreadableAnswer } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { createServer as createHttpServer, type Server as HttpServer } from "node:http"
import { type AddressInfo, createServer, type Server } from "node:net"
import { first, second, template_id } from "../support/calls.ts"
import { messageTo } from "../support/token.ts"

/** A server that takes connections and never says a word. */
const silentServer = Effect.acquireRelease(
  Effect.callback<Server>((resume) => {
    const server = createServer(() => {})
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.sync(() => server.close())
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

it.live("D3: waiting for a turn ends with the deadline, and is known not to have been sent", () =>
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
