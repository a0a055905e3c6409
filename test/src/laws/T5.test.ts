/**
 * T5, a wrong secret is final: getToken's 40001, 40013 and 40002 are not retried. For a while further calls fail at once
 * with the same reason.
 */
import { assert, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import * as Auth from "@qq-mini/core/Auth"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Security from "@qq-mini/core/Security"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { first } from "../support/calls.ts"
import { runFor } from "../support/clock.ts"
import { app, check, fetches, oneStore, tokensOnly, untilFetched } from "../support/token.ts"
import { away, requestClientWithoutStore } from "../support/tokenStores.ts"

it.effect.each([40001, 40002, 40013])("T5: getToken's %i is final", (code) =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    yield* sandbox.fault({ kind: "code", code, endpoint: "auth.getAccessToken", times: 100 })
    for (let i = 0; i < 5; i++) yield* Effect.flip(check)
    assert.strictEqual(yield* fetches, 1)
  }).pipe(Effect.provide(Sandbox.layer))
)

it.effect("T5: a wrong secret costs one getToken, then fails at once for a minute", () =>
  Effect.gen(function* () {
    const wrong = Effect.flip(Security.msgSecCheck({ content: "x", appid: first.appid, appsecret: "wrong" }))
    for (let i = 0; i < 100; i++) assert.strictEqual((yield* wrong).reason._tag, "WrongSecret")
    assert.strictEqual(yield* fetches, 1)
    // the right secret of the same program is not blocked
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

it.effect("T5: after a reset, a process with the new secret in its list works beside one with the old", () =>
  Effect.gen(function* () {
    const processWith = (appsecret: string) =>
      Effect.map(Layer.build(Layer.fresh(QQMini.layerStores)), (client) => Effect.provide(check, client)).pipe(
        Effect.provide(App.layer({ appid: first.appid, appsecret }))
      )
    const [old, current] = [yield* processWith("theOldSecret"), yield* processWith(String(first.appsecret))]
    for (let i = 0; i < 3; i++) {
      yield* current
      assert.strictEqual((yield* Effect.flip(old)).reason._tag, "WrongSecret")
    }
    assert.strictEqual(yield* fetches, 2)
  }).pipe(Effect.scoped, Effect.provide(oneStore))
)

it.effect("T5: several wrong secrets cost one getToken each", () =>
  Effect.gen(function* () {
    for (let i = 0; i < 20; i++) {
      const error = yield* Effect.flip(Auth.getAccessToken({ appid: first.appid, appsecret: `wrong${i % 2}` }))
      assert.strictEqual(error.reason._tag, "WrongSecret")
    }
    assert.strictEqual(yield* fetches, 2)
  }).pipe(Effect.provide(Sandbox.layer))
)

it.effect("T5: a wrong secret never gets the right one's token, and does not disturb the right one", () =>
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
    // one getToken with the wrong secret, and one renewal with the right one, which no call waits for
    yield* untilFetched(before + 2)
    assert.strictEqual((yield* fetches) - before, 2)
  }).pipe(Effect.provide(Sandbox.layer))
)

it.effect("T5: a secret that was reset is noticed at the renewal, and tried once a minute", () =>
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

it.effect("T5: on Workers, with the store away, a wrong secret costs 50 requests one getToken", () =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    yield* sandbox.fault({ kind: "code", code: 40001, endpoint: "auth.getAccessToken", times: 99 })
    const errors = yield* runFor(
      "10 seconds",
      Effect.forEach(Array.from({ length: 50 }), () => Effect.flip(check), { concurrency: "unbounded" })
    )
    assert.lengthOf(errors, 50)
    for (const { reason } of errors) assert.strictEqual(reason._tag, "WrongSecret")
    assert.strictEqual(yield* fetches, 1)
  }).pipe(Effect.provide(requestClientWithoutStore(away())))
)

it.effect("T5: a forced fetch that QQ refuses takes the stored token from nobody", () =>
  Effect.gen(function* () {
    const tokens = yield* AccessToken.AccessToken
    const sandbox = yield* Sandbox.Sandbox
    const stored = yield* tokens.get(app, 10_000)
    // another client of the same store, which has not read it yet
    const other = yield* AccessToken.make
    yield* sandbox.fault({ kind: "code", code: 40001, endpoint: "auth.getAccessToken", times: 9 })
    const refused = Effect.map(Effect.flip(other.refresh(app, 10_000)), ({ _tag }) => _tag)
    assert.deepStrictEqual([yield* refused, yield* refused], ["WrongSecret", "WrongSecret"])
    assert.strictEqual(Redacted.value((yield* other.get(app, 10_000)).value), Redacted.value(stored.value))
    assert.strictEqual(yield* refused, "WrongSecret")
    assert.strictEqual(yield* fetches, 2)
    // and where there is none, nobody asks QQ
    const { refresh, renew } = yield* AccessToken.make
    assert.strictEqual((yield* Effect.flip(refresh(app, 10_000)))._tag, "WrongSecret")
    for (let i = 0; i < 3; i++) assert.strictEqual((yield* Effect.flip(renew(app, stored, 10_000)))._tag, "WrongSecret")
    assert.strictEqual(yield* fetches, 3)
  }).pipe(Effect.scoped, Effect.provide(tokensOnly))
)
