/**
 * T4, refresh once: a call refused for its token is renewed and repeated once, whatever its delivery class. QQ refused it,
 * so nothing happened. A second refusal is the caller's error.
 */
import { assert, it } from "@effect/vitest"
import * as Auth from "@qq-mini/core/Auth"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { runFor } from "../support/clock.ts"
import { check, fetches, messageTo, newClient, oneStore } from "../support/token.ts"

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
