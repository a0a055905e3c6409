/**
 * Every fault with every call, in this process and over real HTTP. The result is a value or a `QQError`, never a
 * defect, a hang or a check that passed. A send's result agrees with what the platform did.
 */
import { assert, layer } from "@effect/vitest"
import type { Any } from "@qq-mini/core/Endpoint"
import { allCodes, groups } from "@qq-mini/core/Endpoints"
import { fromCode } from "@qq-mini/core/Code"
import { isQQError, type QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as NodeTransport from "@qq-mini/node/NodeTransport"
import * as Fault from "@qq-mini/sandbox/Fault"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { calls, forgetful, image, newGuest } from "./support/calls.ts"

const attemptTimeout = 150

const quick = (baseUrl = "http://sandbox") =>
  Layer.succeed(QQMini.Settings, {
    ...QQMini.Settings.defaultValue(),
    baseUrl,
    attemptTimeout,
    retry: { attempts: 2, firstPause: 5, maxPause: 5 }
  })

// 50 codes are too few for all this
const platform: Sandbox.Options = { quota: { "acode.getMiniCode": [] } }

const client = QQMini.layerStores.pipe(Layer.provide(forgetful), Layer.provide(Sandbox.layerApps))

const overHttp = Layer.unwrap(
  Effect.map(SandboxServer.SandboxServer, ({ url }) =>
    client.pipe(Layer.provide(NodeTransport.layer), Layer.provide(quick(url)))
  )
).pipe(Layer.provideMerge(SandboxServer.layer(platform)))

const transports: ReadonlyArray<readonly [string, Layer.Layer<QQMini.QQMini | Sandbox.Sandbox, unknown>]> = [
  [
    "in this process",
    client.pipe(
      Layer.provide(Sandbox.layerTransport),
      Layer.provide(quick()),
      Layer.provideMerge(Sandbox.layerPlatform(platform))
    )
  ],
  ["over HTTP", overHttp]
]

/** A call that is not meant to fail may take its time. */
const patient = { attemptTimeout: "10 seconds" } as const

/** Whether the platform has done what was asked when the fault strikes. */
const doneUnder: Readonly<Record<Fault.FaultKind, boolean>> = {
  badToken: false,
  revokedToken: false,
  stolenToken: true,
  code: false,
  html502: true,
  empty: true,
  truncated: true,
  jsonAsImage: true,
  imageAsJson: true,
  wrongCase: true,
  resetBefore: false,
  resetAfter: true,
  slowHeaders: true,
  slowBody: true,
  hugeBody: true
}

const spends = new Set([
  "subscribeMessage.send",
  "templateMessage.send",
  "acode.getMiniCode",
  "midasPay.pay",
  "wxPayProxy.unifiedOrder"
])
const withSecret = new Set(["auth.getAccessToken", "auth.code2Session"])

for (const [name, transport] of transports) {
  layer(transport, { excludeTestServices: true })(`faults ${name}`, (it) => {
    for (const [endpoint, call] of Object.entries(calls)) {
      for (const kind of Fault.kinds) {
        // a call that brings no token can't have a bad one
        if (withSecret.has(endpoint) && kind.endsWith("Token")) continue
        it.effect(`C1, C2, D2: ${kind} at ${endpoint}`, () =>
          Effect.gen(function* () {
            const sandbox = yield* Sandbox.Sandbox
            yield* sandbox.markRisky(image)
            for (const when of [{ times: 1 }, { times: 100 }, { share: 1 }, { during: "1 minute" as const }]) {
              const guest = yield* newGuest(sandbox, `${name} ${kind} ${endpoint} ${JSON.stringify(when)}`)
              // the first call finds a token, so that the fault strikes the call itself
              yield* calls["security.msgSecCheck"]!(guest, patient)
              yield* sandbox.clearLog
              yield* sandbox.fault({ kind, endpoint, ...when, delay: "2 seconds" })
              const exit = yield* Effect.exit(call(guest, kind.startsWith("slow") ? undefined : patient))
              yield* sandbox.heal
              const asked = (yield* sandbox.log).filter((entry) => entry.endpoint === endpoint)
              const done = asked.filter((entry) => entry.code === 0).length

              // the fault struck, and was what it is called
              const struck = asked.filter((entry) => entry.fault === kind)
              assert.strictEqual(struck.length, "times" in when && when.times === 1 ? 1 : asked.length)
              // a login code works once, so a second attempt with it finds it used
              if (endpoint !== "auth.code2Session") {
                for (const entry of struck) assert.strictEqual(entry.code === 0, doneUnder[kind])
              }

              const outcome = Exit.isSuccess(exit) ? undefined : Cause.findFail(exit.cause)
              assert.isTrue(outcome === undefined || outcome._tag === "Success", String(exit))
              if (spends.has(endpoint)) assert.isAtMost(done, 1)
              if (Exit.isSuccess(exit)) {
                assert.isAtLeast(done, 1)
                if (endpoint.endsWith("SecCheck")) assert.deepStrictEqual(exit.value, { risky: true })
                continue
              }
              const error = (outcome as { success: { error: QQError } }).success.error
              assert.isTrue(isQQError(error))
              assert.strictEqual(error.endpoint, endpoint)
              const reason = error.reason._tag === "OutcomeUnknown" ? error.reason.because : error.reason
              if (kind === "hugeBody" && reason._tag === "UnreadableAnswer") {
                assert.strictEqual(reason.found, "too large")
                assert.isAtMost(reason.size, (endpoint === "acode.getMiniCode" ? 10 : 3) * 1024 * 1024)
              }
              // An error other than OutcomeUnknown means that nothing was done. The client can't recognise a good
              // answer with a wrong Content-Type or spelling, so these two faults are excepted.
              if (spends.has(endpoint) && error.reason._tag !== "OutcomeUnknown") {
                if (kind !== "jsonAsImage" && kind !== "wrongCase") assert.strictEqual(done, 0)
              }
            }
            // nothing of it is left for the next call
            yield* call(yield* newGuest(sandbox, `${name} ${kind} ${endpoint} after`), patient)
          })
        )
      }

      // a refused secret is remembered, so the codes of getToken have a test of their own beside T5
      if (endpoint === "auth.getAccessToken") continue
      it.effect(`every code of QQ's at ${endpoint}`, () =>
        Effect.gen(function* () {
          const sandbox = yield* Sandbox.Sandbox
          const all: ReadonlyArray<Any> = Object.values(groups).flatMap((group) => Object.values(group))
          const own = all.find((one) => one.name === endpoint)?.codes
          for (const { code } of allCodes()) {
            const guest = yield* newGuest(sandbox, `${name} ${code} ${endpoint}`)
            yield* sandbox.fault({ kind: "code", code, endpoint, times: 5 })
            const result = yield* Effect.result(call(guest, patient))
            yield* sandbox.heal
            // 87014 is a check's answer; to all others every code is an error
            if (code === 87014 && endpoint.endsWith("SecCheck")) {
              assert.deepStrictEqual(Result.isSuccess(result) && result.success, { risky: true })
            } else {
              assert.strictEqual(result._tag === "Failure" && result.failure.reason._tag, fromCode(own, code, "")._tag)
            }
          }
        })
      )
    }
  })
}
