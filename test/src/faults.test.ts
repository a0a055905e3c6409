/**
 * Every fault × every call, in this process and over real HTTP: a value or a `QQError`, never a defect, a hang or a pass;
 * and what a caller is told of a send is what the platform did.
 */
import { assert, layer } from "@effect/vitest"
import { isQQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { calls, faults, first, newGuest, second } from "./support.ts"

const attemptTimeout = 150

const quick = Layer.succeed(QQMini.Settings, {
  ...QQMini.Settings.defaultValue(),
  attemptTimeout,
  retry: { attempts: 2, base: 5, cap: 5 }
})

// 50 codes are too few for all this
const platform: Sandbox.Options = { quota: { "acode.getMiniCode": [] } }

const overHttp = Layer.unwrap(
  Effect.map(SandboxServer.SandboxServer, ({ url }) =>
    NodeQQMini.layer({ apps: [first, second], baseUrl: url, attemptTimeout, attempts: 2 })
  )
).pipe(Layer.provideMerge(SandboxServer.layer(platform)))

const transports: ReadonlyArray<readonly [string, Layer.Layer<QQMini.QQMini | Sandbox.Sandbox, unknown>]> = [
  ["in this process", Sandbox.layerWith(platform).pipe(Layer.provide(quick))],
  ["over HTTP", overHttp]
]

for (const [name, transport] of transports) {
  layer(transport, { excludeTestServices: true })(`faults ${name}`, (it) => {
    for (const kind of faults) {
      for (const [endpoint, call] of Object.entries(calls)) {
        it.effect(`C1, C2, D2: ${kind} at ${endpoint}`, () =>
          Effect.gen(function* () {
            const sandbox = yield* Sandbox.Sandbox
            for (const times of [1, 100]) {
              const guest = yield* newGuest(sandbox, `${name} ${kind} ${endpoint} ${times}`)
              // the first call finds a token, so that the fault strikes the call itself
              yield* calls["security.msgSecCheck"]!(guest)
              yield* sandbox.clearLog
              yield* sandbox.fault({ kind, endpoint, times, delay: "2 seconds" })
              const exit = yield* Effect.exit(call(guest))
              yield* sandbox.heal
              const done = (yield* sandbox.log).filter(
                (entry) => entry.endpoint === endpoint && entry.code === 0
              ).length

              if (Exit.isSuccess(exit)) {
                assert.isAtLeast(done, 1)
                if (endpoint === "security.msgSecCheck") assert.deepStrictEqual(exit.value, { risky: true })
              } else {
                const failure = Cause.findFail(exit.cause)
                assert.strictEqual(failure._tag, "Success", Cause.pretty(exit.cause))
                if (failure._tag !== "Success") return
                const error = failure.success.error
                assert.isTrue(isQQError(error))
                assert.strictEqual(error.endpoint, endpoint)
                if (error.reason._tag === "UnreadableAnswer") {
                  assert.isAtMost(error.reason.size, 2 * 1024 * 1024)
                }
                const spends = endpoint === "subscribeMessage.send" || endpoint === "acode.getMiniCode"
                if (spends && error.reason._tag !== "OutcomeUnknown") {
                  // the caller is told that nothing was done; a wrong label on a good answer is the platform's own lie
                  if (kind !== "jsonAsImage" && kind !== "wrongCase") assert.strictEqual(done, 0)
                }
              }
              if (endpoint === "subscribeMessage.send" || endpoint === "acode.getMiniCode") assert.isAtMost(done, 1)
              // nothing of it is left for the next call
              yield* call(yield* newGuest(sandbox, `${name} ${kind} ${endpoint} ${times} after`))
            }
          })
        )
      }
    }
  })
}
