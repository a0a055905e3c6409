/** A refresh (`cache: false`) always fetches a new token, whatever other callers and clients have. */
import { assert, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { advanceInSteps } from "./support/clock.ts"
import { app, fetches, generationOf, tokensOnly } from "./support/token.ts"

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

it.effect("cache: false does not take the token that another caller is reading from the store", () =>
  Effect.gen(function* () {
    const shared = yield* TokenCache.TokenCache
    const other = yield* AccessToken.make
    const stored = yield* other.get(app, 10_000)
    const slow = TokenCache.TokenCache.of({ ...shared, read: (key) => Effect.delay(shared.read(key), "1 second") })
    const client = yield* Effect.provideService(AccessToken.make, TokenCache.TokenCache, slow)
    const reading = yield* Effect.forkChild(client.get(app, 10_000), { startImmediately: true })
    const fresh = yield* Effect.forkChild(client.refresh(app, 10_000), { startImmediately: true })
    const renewed = yield* Effect.forkChild(client.renew(app, stored, 10_000), { startImmediately: true })
    yield* advanceInSteps(6_000)
    assert.strictEqual(generationOf(yield* Fiber.join(reading)), generationOf(stored))
    assert.notStrictEqual(generationOf(yield* Fiber.join(fresh)), generationOf(stored))
    assert.notStrictEqual(generationOf((yield* Fiber.join(renewed)).token), generationOf(stored))
    assert.strictEqual(yield* fetches, 2)
  }).pipe(Effect.scoped, Effect.provide(tokensOnly))
)
