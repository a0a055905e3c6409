/**
 * The life of a token: the current one for everybody, renewed ahead of its end, and replaced once when QQ refuses it.
 *
 * Within a process one fiber fetches while all others wait for it or go on with the old token; across processes the
 * store's lease and generation do the same. Interrupting a caller never cancels the fetch others wait for.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import type { AppCredentials, AppId } from "./App.ts"
import * as Auth from "./Auth.ts"
import * as Exchange from "./internal/exchange.ts"
import { encode } from "./internal/request.ts"
import { sameSecret } from "./internal/secrets.ts"
import { Settings } from "./internal/settings.ts"
import { monotonicMillis } from "./internal/time.ts"
import { ClientClosed, type Reason, StoreFailed, TimedOut } from "./QQError.ts"
import * as Retry from "./Retry.ts"
import { type Slot, TokenCache, type TokenCacheError } from "./TokenCache.ts"

/** A token and which one it is. */
export interface Token {
  readonly value: Redacted.Redacted<string>
  readonly generation: number
}

/** The service that every call asks for its token. */
export class AccessToken extends Context.Service<
  AccessToken,
  {
    /** The current token; a memory read when warm. */
    readonly get: (app: AppCredentials) => Effect.Effect<Token, Reason>
    /** Another token than this one, which QQ refused: somebody's newer one, or a new one. */
    readonly renew: (app: AppCredentials, refused: Token) => Effect.Effect<Token, Reason>
    /** A new token in any case. */
    readonly refresh: (app: AppCredentials) => Effect.Effect<Token, Reason>
  }
>()("@qq-mini/core/AccessToken") {}

interface Current {
  readonly token: Token
  /** From here on one holder renews while all go on. */
  readonly renewAt: number
  /** From here on it is not used any more. */
  readonly endsAt: number
}

interface Flight {
  readonly secret: Redacted.Redacted<string>
  readonly fiber: Fiber.Fiber<Token, Reason>
}

interface State {
  current: Current | undefined
  flight: Flight | undefined
  /** Credentials that QQ refused, and until when not to ask again. */
  refused: { readonly secret: Redacted.Redacted<string>; readonly reason: Reason; readonly until: number } | undefined
  /** After a renewal ahead of time failed: when to try again. */
  pausedUntil: number
}

// QQ honours the old token for 5 minutes after a new one was fetched, so that is how far ahead renewal can begin.
const renewAhead = (lifetime: number) => Math.min(300_000, lifetime / 10)
// Stop using a token a little before its end, so that a request on its way does not arrive too late.
const margin = (lifetime: number) => Math.min(10_000, lifetime / 20)
const refusedFor = 60_000
const renewalPause = 30_000

const isFinal = (reason: Reason): boolean =>
  reason._tag === "WrongSecret" ||
  reason._tag === "InvalidAppId" ||
  (reason._tag === "Rejected" && reason.code === 40002)

const storeFailed = (error: TokenCacheError): StoreFailed =>
  new StoreFailed({ operation: error.operation, problem: error.problem })

const join = (fiber: Fiber.Fiber<Token, Reason>): Effect.Effect<Token, Reason> =>
  Effect.flatMap(Fiber.await(fiber), (exit) =>
    Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? new ClientClosed({}) : exit
  )

/** Makes the service over a store and an HTTP client. Fetches run in the scope and end with it. */
export const make = Effect.gen(function* () {
  const cache = yield* TokenCache
  const settings = yield* Settings
  const exchange = Exchange.make(yield* HttpClient.HttpClient, settings.baseUrl)
  const scope = yield* Effect.scope
  const owner = `${yield* Random.nextIntBetween(0, 2 ** 48)}-${yield* Random.nextIntBetween(0, 2 ** 48)}`
  const states = new Map<AppId, State>()
  // a holder that dies blocks the others no longer than this
  const leaseTime = settings.deadline + 5_000

  const stateOf = (appid: AppId): State => {
    let state = states.get(appid)
    if (state === undefined) {
      state = { current: undefined, flight: undefined, refused: undefined, pausedUntil: 0 }
      states.set(appid, state)
    }
    return state
  }

  const adopt = (state: State, token: Token, lifetime: number, expiresIn: number, now: number): Token => {
    state.current = {
      token,
      renewAt: now + expiresIn - renewAhead(lifetime),
      endsAt: now + expiresIn - margin(lifetime)
    }
    state.refused = undefined
    state.pausedUntil = 0
    return token
  }

  const grant = encode(Auth.getAccessToken, {})

  const getToken = (app: AppCredentials, deadline: number) =>
    Effect.flatMap(Effect.fromResult(grant), ({ wire }) =>
      Retry.run(
        Effect.flatMap(monotonicMillis, (now) =>
          exchange(Auth.getAccessToken, {
            wire,
            appid: app.appid,
            authority: app,
            timeout: Math.max(1, Math.min(settings.attemptTimeout, deadline - now))
          })
        ) as Effect.Effect<typeof Auth.getAccessToken.output.Type, Retry.Failure>,
        { delivery: Auth.getAccessToken.delivery, deadline, policy: settings.retry }
      )
    )

  // Fetches under the lease, or takes over what another holder fetched meanwhile.
  const obtain = Effect.fnUntraced(function* (
    app: AppCredentials,
    options: { readonly not: number | undefined; readonly refused: boolean; readonly force: boolean }
  ): Effect.fn.Return<Token, Reason> {
    const { appid } = app
    const state = stateOf(appid)
    const deadline = (yield* monotonicMillis) + settings.deadline
    let not = options.not
    for (let pause = 50; ; pause = Math.min(1_000, pause * 2)) {
      const slot: Slot = yield* Effect.mapError(cache.read(appid), storeFailed)
      const now = yield* monotonicMillis
      if (options.force && not === undefined) not = slot.generation
      if (slot.token !== undefined && slot.generation !== not && slot.expiresIn > margin(slot.lifetime)) {
        const token: Token = { value: slot.token, generation: slot.generation }
        return adopt(state, token, slot.lifetime, slot.expiresIn, now)
      }
      if (options.refused && slot.generation === not && slot.token !== undefined) {
        yield* Effect.mapError(cache.remove(appid, { generation: slot.generation }), storeFailed)
      }
      const lease = { owner, generation: slot.generation, ttl: leaseTime }
      if (yield* Effect.mapError(cache.lease(appid, lease), storeFailed)) {
        const release = Effect.ignore(cache.release(appid, { owner }))
        const token = yield* Effect.onError(
          Effect.gen(function* () {
            // counted from before the request, so never too long
            const asked = yield* monotonicMillis
            const answer = yield* getToken(app, asked + settings.deadline)
            const ttl = Math.max(1, answer.expires_in * 1_000 - ((yield* monotonicMillis) - asked))
            const written = yield* Effect.mapError(
              cache.write(appid, { owner, generation: slot.generation, token: answer.access_token, ttl }),
              storeFailed
            )
            if (written === undefined) return undefined
            yield* Effect.logDebug(`fetched an access token for ${appid}`)
            const token: Token = { value: answer.access_token, generation: written }
            return adopt(state, token, ttl, ttl, yield* monotonicMillis)
          }),
          () => release
        )
        if (token !== undefined) return token
        // somebody wrote a newer one while this fetch was late: theirs counts
        yield* release
        continue
      }
      if (now + pause >= deadline) return yield* new TimedOut({ during: "token", limit: settings.deadline })
      yield* Effect.sleep(pause)
    }
  })

  // One fetch at a time for a program; it runs in the client's scope, whoever waits for it.
  const launch = (
    app: AppCredentials,
    options: { readonly not: number | undefined; readonly refused: boolean; readonly force: boolean }
  ): Effect.Effect<Fiber.Fiber<Token, Reason>> =>
    Effect.suspend(() => {
      const state = stateOf(app.appid)
      const flight = state.flight
      if (flight !== undefined) {
        return sameSecret(flight.secret, app.appsecret)
          ? Effect.succeed(flight.fiber)
          : // another caller tries another secret: its outcome is not ours
            Effect.andThen(Fiber.await(flight.fiber), launch(app, options))
      }
      const run = Effect.onExit(obtain(app, options), (exit) =>
        Effect.flatMap(monotonicMillis, (now) =>
          Effect.sync(() => {
            state.flight = undefined
            if (Exit.isSuccess(exit)) return
            state.pausedUntil = now + renewalPause
            const failure = Cause.findFail(exit.cause)
            if (failure._tag === "Success" && isFinal(failure.success.error)) {
              state.refused = { secret: app.appsecret, reason: failure.success.error, until: now + refusedFor }
            }
          })
        )
      )
      return Effect.map(Effect.forkIn(run, scope), (fiber) => {
        // a fiber that ended at once has cleared the flight already
        if (fiber.pollUnsafe() === undefined) state.flight = { secret: app.appsecret, fiber }
        return fiber
      })
    })

  const refusedReason = (state: State, app: AppCredentials, now: number): Reason | undefined =>
    state.refused !== undefined && now < state.refused.until && sameSecret(state.refused.secret, app.appsecret)
      ? state.refused.reason
      : undefined

  const wait = (
    app: AppCredentials,
    options: { readonly not: number | undefined; readonly refused: boolean; readonly force: boolean }
  ): Effect.Effect<Token, Reason> =>
    Effect.flatMap(monotonicMillis, (now) => {
      const refused = refusedReason(stateOf(app.appid), app, now)
      return refused === undefined ? Effect.flatMap(launch(app, options), join) : Effect.fail(refused)
    })

  return AccessToken.of({
    get: (app) =>
      Effect.flatMap(monotonicMillis, (now) => {
        const state = stateOf(app.appid)
        const current = state.current
        if (current === undefined || now >= current.endsAt) {
          return wait(app, { not: current?.token.generation, refused: false, force: false })
        }
        if (now < current.renewAt || now < state.pausedUntil || state.flight !== undefined) {
          return Effect.succeed(current.token)
        }
        const renewal = launch(app, { not: current.token.generation, refused: false, force: false })
        return settings.renewal === "background"
          ? Effect.as(renewal, current.token)
          : Effect.catch(Effect.flatMap(renewal, join), () => Effect.succeed(current.token))
      }),
    renew: (app, refused) =>
      Effect.suspend(() => {
        const state = stateOf(app.appid)
        if (state.current !== undefined && state.current.token.generation !== refused.generation) {
          return Effect.succeed(state.current.token)
        }
        state.current = undefined
        return wait(app, { not: refused.generation, refused: true, force: false })
      }),
    refresh: (app) =>
      Effect.suspend(() =>
        wait(app, { not: stateOf(app.appid).current?.token.generation, refused: false, force: true })
      )
  })
})

/** The service over the store and the HTTP client that are provided. */
export const layer: Layer.Layer<AccessToken, never, TokenCache | HttpClient.HttpClient> = Layer.effect(
  AccessToken,
  make
)
