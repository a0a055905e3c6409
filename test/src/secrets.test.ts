/** S1: no secret, token, login code or session key in anything that is handed out. */
import { assert, describe, it } from "@effect/vitest"
import type * as App from "@qq-mini/core/App"
import * as Auth from "@qq-mini/core/Auth"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Telemetry from "@qq-mini/core/Telemetry"
import { createQQMini } from "@qq-mini/node"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as Fault from "@qq-mini/sandbox/Fault"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { calls, first, forgetful, newGuest, second, session_key, stranger, type Call } from "./support/calls.ts"
import { assertNone, Seen } from "./support/seen.ts"
import { watch } from "./support/watch.ts"

/** Every reason but those of the configuration, the store and the closed client. */
const provoked = [
  "ConnectionFailed",
  "InvalidAppId",
  "InvalidCode",
  "InvalidInput",
  "InvalidToken",
  "MiniCodesUsedUp",
  "NotSubscribed",
  "OutcomeUnknown",
  "PageMissing",
  "QuotaReached",
  "Rejected",
  "SystemBusy",
  "TimedOut",
  "TokenContested",
  "TooFrequent",
  "UnknownApp",
  "UnreadableAnswer",
  "UserRefused",
  "WrongSecret"
]

describe("secrets", () => {
  it.live("S1: every fault × every call, with all logs, spans and metrics", () =>
    Effect.gen(function* () {
      const secrets = new Set([
        first.appsecret as string,
        second.appsecret as string,
        session_key,
        Sandbox.defaultOffer.app_key
      ])
      const seen = new Seen()
      const quick = Layer.succeed(QQMini.Settings, {
        ...QQMini.Settings.defaultValue(),
        attemptTimeout: 100,
        retry: { attempts: 2, firstPause: 1, maxPause: 1 }
      })
      const connected = <A>(client: Layer.Layer<A, never, Transport.Transport | App.Apps>) =>
        client.pipe(
          Layer.provide(Telemetry.layer),
          Layer.provide(watch(secrets)),
          Layer.provide(Sandbox.layerTransport),
          Layer.provide(Sandbox.layerApps),
          Layer.provide(quick),
          Layer.provideMerge(Sandbox.layerPlatform({ quota: { "acode.getMiniCode": [] } }))
        )
      const client = connected(QQMini.layerStores.pipe(Layer.provide(forgetful)))
      yield* Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        for (const kind of Fault.kinds) {
          for (const [endpoint, call] of Object.entries(calls)) {
            const guest = yield* newGuest(sandbox, `${kind} ${endpoint}`)
            secrets.add(guest.code).add(guest.session_key)
            yield* sandbox.fault({ kind, endpoint, times: 5, delay: "1 second" })
            yield* seen.run(call(guest))
            yield* sandbox.heal
          }
        }
        const wrong = { appid: first.appid, appsecret: "aVeryWrongSecret" }
        secrets.add(wrong.appsecret)
        for (const call of Object.values(calls)) {
          yield* seen.run(call({ ...stranger, code: "aVeryWrongCode" }))
        }
        secrets.add("aVeryWrongCode")
        yield* seen.run(Auth.getAccessToken({ cache: false, ...wrong }))
        yield* seen.run(Auth.getAccessToken({ appid: "nobody" }))
        yield* seen.run(Auth.getAccessToken({ appid: "b a d", appsecret: "aVeryWrongSecret" }))
        yield* seen.run(calls["auth.code2Session"]!({ ...stranger, code: "aVeryWrongCode" }, { attempts: -1 }))
        for (const code of [41030, 45029, 46001, 46003, 45011, 45009, 40036, 87014]) {
          for (const [endpoint, call] of Object.entries(calls)) {
            yield* sandbox.fault({ kind: "code", code, endpoint })
            yield* seen.run(call(yield* newGuest(sandbox, `${code} ${endpoint}`)))
            yield* sandbox.heal
          }
        }
        yield* seen.run(Auth.getAccessToken({ appid: "42", appsecret: "aVeryWrongSecret" }))
        const guest = yield* newGuest(sandbox, "with a key")
        const session = yield* seen.run(Auth.code2Session({ code: guest.code, needKey: true }))
        assert.isTrue(Exit.isSuccess(session))
        seen.add(session)
        if (Exit.isSuccess(session)) secrets.add(Redacted.value(session.value.session_key!))
        seen.add(yield* seen.run(Auth.getAccessToken()))
      }).pipe(Effect.provide(client))
      yield* Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        yield* sandbox.fault({ kind: "badToken", times: 20 })
        for (let i = 0; i < 4; i++) yield* seen.run(calls["security.msgSecCheck"]!(stranger))
      }).pipe(Effect.provide(connected(QQMini.layer)))
      seen.add(yield* Metric.snapshot)

      assert.isAbove(seen.spans.length, 100)
      assert.isAbove(secrets.size, 100)
      const tags = [...new Set(seen.errors.map((error) => error.reason._tag))].toSorted()
      assert.deepStrictEqual(tags, provoked)
      assertNone(seen.text(), secrets)
    })
  )

  it.live("S1: a server that sends back all it was sent", () =>
    Effect.gen(function* () {
      const { appid, appsecret } = { appid: "1112345678", appsecret: "s3cr!et~(w)'ith/+signs=&? %E4" }
      const token = "TOKEN/of+512=~('".repeat(30)
      const shapes: ReadonlyArray<(echo: string) => string> = [
        (echo) => JSON.stringify({ errcode: 40035, errmsg: `bad request: ${echo.trim()}` }),
        (echo) => JSON.stringify({ errCode: -13010, errMsg: `\n\u0000${echo}` }),
        (echo) => JSON.stringify({ errcode: 40001, errmsg: echo }),
        (echo) => `<html><title>${echo}</title></html>`,
        (echo) => `{"access_token":"${token}","expires_in":7200,"${echo}`
      ]
      let shape = shapes[0]!
      const server = createServer((request, response) => {
        if (request.url!.startsWith("/api/getToken")) {
          return response.end(JSON.stringify({ access_token: token, expires_in: 7_200 }))
        }
        const url = request.url!
        let all = ""
        try {
          all = decodeURIComponent(url)
        } catch {
          // stays empty
        }
        response.setHeader("content-type", "application/json").setHeader("x-echo", encodeURIComponent(url))
        const lower = url.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())
        const query = new URL(url, "http://x").searchParams
        const secret = query.get("access_token") ?? query.get("secret") ?? ""
        // where a text is cut, half a secret must not be left over
        const blanks = " ".repeat(99_994)
        response.end(shape(`${blanks}${secret} ${url} ${all} ${lower} ${encodeURIComponent(url)}`))
      })
      yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
      const { port } = server.address() as AddressInfo
      const seen = new Seen()
      const code = "c0de!/of+the='(l)ogin ~"
      const layer = NodeQQMini.layer({ appid, appsecret, baseUrl: `http://127.0.0.1:${port}`, attempts: 2 }).pipe(
        Layer.provide(Telemetry.layer)
      )
      yield* Effect.gen(function* () {
        for (const next of shapes) {
          shape = next
          for (const [name, call] of Object.entries<Call>(calls)) {
            if (name !== "auth.getAccessToken") yield* seen.run(call({ ...stranger, code }))
          }
        }
      }).pipe(Effect.provide(layer))
      assert.strictEqual(seen.errors.length, shapes.length * (Object.keys(calls).length - 1))
      assert.include(seen.text(), "bad request")
      assert.include(seen.text(), "<redacted>")
      const halves = [appsecret, token].map((secret) => secret.slice(0, 6))
      assertNone(seen.text(), [appsecret, token, code, ...halves])
      yield* Effect.callback<void>((resume) => {
        server.closeAllConnections()
        server.close(() => resume(Effect.void))
      })
    })
  )

  it("S1: what plain apps see of a client and its errors", async () => {
    await using sandbox = await SandboxServer.start()
    const secret = "theWrongSecretOfAPlainApp"
    await using qq = createQQMini({ appid: first.appid, appsecret: secret, baseUrl: sandbox.url })
    const seen = new Seen()
    seen.add(qq)
    for (const call of [
      () => qq.security.msgSecCheck({ content: "x" }),
      () => qq.auth.code2Session({ code: "theCodeOfAPlainApp" }),
      () => qq.security.msgSecCheck({ content: "x", access_token: "theTokenOfAPlainApp" })
    ]) {
      await call().then(
        () => assert.fail("was expected to fail"),
        (error: unknown) => seen.add(error)
      )
    }
    assertNone(seen.text(), [secret, "theCodeOfAPlainApp", "theTokenOfAPlainApp"])
  })
})
