/** T3, invalidate by comparison: only the token that failed is discarded, and only if it is still the stored one. */
import { assert, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { runFor } from "../support/clock.ts"
import { app, fetches, generationOf, tokensOnly } from "../support/token.ts"
import { faultyStore } from "../support/tokenStores.ts"

it.effect("T3: callers refused for the same token renew it once; a late refusal of an old one renews nothing", () =>
  Effect.gen(function* () {
    const tokens = yield* AccessToken.AccessToken
    const old = yield* tokens.get(app, 10_000)
    const [a, b] = yield* Effect.all([tokens.renew(app, old, 10_000), tokens.renew(app, old, 10_000)], {
      concurrency: 2
    })
    const generation = generationOf(a.token)
    assert.strictEqual(generationOf(b.token), generation)
    assert.strictEqual(generationOf((yield* tokens.renew(app, old, 10_000)).token), generation)
    assert.strictEqual(generationOf(yield* tokens.get(app, 10_000)), generation)
    assert.strictEqual(yield* fetches, 2)
  }).pipe(Effect.provide(tokensOnly))
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

it.effect("T3: tokens are compared by value: one that is stored under another generation is refused as well", () => {
  const { client, faults } = faultyStore()
  return Effect.gen(function* () {
    const tokens = yield* AccessToken.AccessToken
    faults.away = true
    const alone = yield* runFor("1 second", tokens.get(app, 10_000))
    // the store is back and gives the token that was fetched without it a generation
    faults.away = false
    yield* TestClock.adjust("10 seconds")
    const stored = yield* tokens.get(app, 10_000)
    assert.strictEqual(Redacted.value(stored.value), Redacted.value(alone.value))
    assert.notStrictEqual(generationOf(stored), generationOf(alone))
    const { token } = yield* tokens.renew(app, alone, 10_000)
    assert.notStrictEqual(Redacted.value(token.value), Redacted.value(alone.value))
    assert.strictEqual(yield* fetches, 2)
  }).pipe(Effect.provide(client))
})
