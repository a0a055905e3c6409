/**
 * T4, refresh once: a call refused for its token is renewed and repeated once, whatever its delivery class. QQ refused it,
 * so nothing happened. A second refusal is the caller's error.
 */
import { assert, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as Auth from "@qq-mini/core/Auth"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { runFor } from "../support/clock.ts"
import { app, check, fetches, messageTo, newClient, oneStore, platform, tokensOnly, valueOf } from "../support/token.ts"
import { failoverStore } from "../support/tokenStores.ts"

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

it.effect("T4: a token revoked while 200 calls are on their way costs one getToken, and no call fails", () =>
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

it.effect("T4: a token is renewed once for a call, however often the call is repeated", () =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    for (const kind of ["badToken", "empty", "badToken"] as const) {
      yield* sandbox.fault({ kind, endpoint: "security.msgSecCheck" })
    }
    const error = yield* runFor("10 seconds", Effect.flip(check))
    assert.strictEqual(error.reason._tag, "InvalidToken")
    assert.strictEqual(yield* fetches, 2)
  }).pipe(Effect.provide(Sandbox.layer))
)

it.effect("T4: a call whose second token was another client's, and dead as well, is renewed once more", () =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    const [a, b] = yield* Effect.all([newClient, newClient])
    yield* Effect.provide(check, a)
    yield* Effect.provide(check, b)
    // the first client stores a newer token, and then QQ revokes them all
    yield* Effect.provide(Auth.getAccessToken({ cache: false }), a)
    yield* sandbox.revokeTokens()
    yield* Effect.provide(check, b)
    assert.strictEqual(yield* fetches, 3)
  }).pipe(Effect.scoped, Effect.provide(oneStore))
)

it.effect("T4: a call is not repeated with a token that was refused to it, even if the store holds it again", () => {
  const { client, loseLastWrite } = failoverStore()
  return Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    yield* check
    yield* loseLastWrite
    yield* sandbox.revokeTokens()
    yield* check
    // the first call, and the second one with the old token, the lost one, and a new one
    assert.strictEqual(yield* sandbox.count("security.msgSecCheck"), 1 + 3)
    assert.strictEqual(yield* fetches, 3)
  }).pipe(Effect.scoped, Effect.provide(client.pipe(Layer.provideMerge(platform))))
})

it.effect("T4: nor if another caller has read it from the store meanwhile", () => {
  const { client, loseLastWrite } = failoverStore()
  return Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    const tokens = yield* AccessToken.AccessToken
    yield* check
    const lost = yield* loseLastWrite
    for (const kind of ["badToken", "empty"] as const) {
      yield* sandbox.fault({ kind, endpoint: "security.msgSecCheck" })
    }
    const call = yield* Effect.forkChild(check)
    yield* Effect.repeat(Effect.andThen(Effect.yieldNow, sandbox.count("security.msgSecCheck")), {
      until: (count) => count === 1 + 2
    })
    yield* tokens.renew(app, lost, 10_000)
    yield* sandbox.revokeTokens()
    yield* TestClock.adjust("1 second")
    yield* Fiber.join(call)
    assert.strictEqual(yield* sandbox.count("security.msgSecCheck"), 1 + 3)
    assert.strictEqual(yield* fetches, 3)
  }).pipe(Effect.scoped, Effect.provide(client.pipe(Layer.provideMerge(platform))))
})

it.effect("T4: nor if this process uses it again", () =>
  Effect.gen(function* () {
    const tokens = yield* AccessToken.AccessToken
    const one = yield* tokens.get(app, 10_000)
    const other = yield* tokens.refresh(app, 10_000)
    const { token } = yield* tokens.renew(app, one, 10_000, [other])
    assert.notInclude([valueOf(one), valueOf(other)], valueOf(token))
  }).pipe(Effect.provide(tokensOnly))
)
