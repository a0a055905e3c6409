/**
 * The life of a token: the current one for everybody, renewed ahead of its end, and replaced once when QQ refuses it.
 *
 * Within a process one fiber fetches while all others wait for it or go on with the old token; across processes the
 * store's lease and generation do the same. Interrupting a caller never cancels the fetch others wait for.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import type { AppCredentials } from "./App.ts"
import * as Auth from "./Auth.ts"
import * as Exchange from "./internal/exchange.ts"
import { encode } from "./internal/request.ts"
import { fingerprint } from "./internal/secrets.ts"
import { Settings } from "./internal/settings.ts"
import { monotonicMillis } from "./internal/time.ts"
import { ClientClosed, type Reason, StoreFailed, TimedOut } from "./QQError.ts"
import * as Retry from "./Retry.ts"
import { type Key, TokenCache, type TokenCacheError } from "./TokenCache.ts"

/** A token and which one it is. */
export interface Token {
  readonly value: Redacted.Redacted<string>
  readonly generation: number
}

/** The service that every call asks for its token. */
export class AccessToken extends Context.Service<
  AccessToken,
  {
    /** The current token; a memory read when warm. Waits `within` milliseconds at the most. */
    readonly get: (app: AppCredentials, within: number) => Effect.Effect<Token, Reason>
    /** Another token than this one, which QQ refused: somebody's newer one, or a new one. */
    readonly renew: (app: AppCredentials, refused: Token, within: number) => Effect.Effect<Token, Reason>
    /** A new token in any case. */
    readonly refresh: (app: AppCredentials, within: number) => Effect.Effect<Token, Reason>
  }
>()("@qq-mini/core/AccessToken") {}

/** What a fetch is for. */
interface Wanted {
  /** The generation that will not do. */
  readonly not?: number | undefined
  /** Whether QQ refused that one. */
  readonly refused?: boolean | undefined
  /** Whether only a token fetched now will do. */
  readonly fresh?: boolean | undefined
}

/** What a fetch came to. */
interface Fetched {
  readonly token: Token
  /** Whether it was fetched, and not found in the store. */
  readonly fresh: boolean
}

interface State {
  current:
    | {
        readonly token: Token
        /** From here on one holder renews while all go on. */
        readonly renewAt: number
        /** From here on it is not used any more. */
        readonly endsAt: number
      }
    | undefined
  /** The fetch under way. */
  flight: Deferred.Deferred<Fetched, Reason> | undefined
  /** Why QQ refused these credentials, and until when not to ask again. */
  refused: { readonly reason: Reason; readonly until: number } | undefined
  /** After a renewal ahead of time failed: when to try again. */
  pausedUntil: number
}

// QQ honours the old token for 5 minutes after a new one was fetched, so that is how far ahead renewal can begin.
const renewAhead = (lifetime: number) => Math.min(300_000, lifetime / 10)
// Stop using a token a little before its end, so that a request on its way does not arrive too late.
const margin = (lifetime: number) => Math.min(10_000, lifetime / 20)
const renewalPause = 30_000
// where nothing may run after the answer, one caller waits so long for a renewal, and then goes on with the old token
const awaitRenewal = 2_000
// credentials that come with the calls are not known beforehand: remember so many
const maxStates = 1_000

// For how long not to ask again after QQ refused: what only people can change, what time changes, and the rest.
const refusedFor = (reason: Reason): number => {
  switch (reason._tag) {
    case "WrongSecret":
    case "InvalidAppId":
    case "QuotaReached":
    case "TooFrequent":
      return 60_000
    case "Rejected":
      return reason.code === 40002 ? 60_000 : 5_000
    default:
      return "code" in reason && reason._tag !== "SystemBusy" ? 5_000 : 0
  }
}

const keyOf = ({ appid, appsecret }: AppCredentials): Key => `${appid}:${fingerprint(appsecret)}`

const storeFailed = (error: TokenCacheError): StoreFailed =>
  new StoreFailed({ operation: error.operation, problem: error.problem })

/** Makes the service over a store and an HTTP client. Fetches run in the scope and end with it. */
export const make = Effect.gen(function* () {
  const cache = yield* TokenCache
  const settings = yield* Settings
  const exchange = Exchange.make(yield* HttpClient.HttpClient, settings.baseUrl)
  const scope = yield* Effect.scope
  const self = `${(yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)}${(yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)}`
  const states = new Map<Key, State>()
  let fetches = 0
  // a holder that dies blocks the others no longer than this
  const leaseTime = settings.deadline + 5_000

  const stateOf = (key: Key): State => {
    let state = states.get(key)
    if (state === undefined) {
      if (states.size >= maxStates) {
        for (const [old, { flight }] of states) {
          if (flight !== undefined) continue
          states.delete(old)
          break
        }
      }
      state = { current: undefined, flight: undefined, refused: undefined, pausedUntil: 0 }
      states.set(key, state)
    }
    return state
  }

  /** `now` is when `expiresIn` was true, or before. */
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

  // Fetches under the lease and stores the token. Gives `undefined` when somebody else stored one meanwhile.
  const fetchAndStore = Effect.fnUntraced(function* (
    app: AppCredentials,
    key: Key,
    state: State,
    lease: { readonly owner: string; readonly generation: number }
  ): Effect.fn.Return<Token | undefined, Reason> {
    const asked = yield* monotonicMillis
    const answer = yield* getToken(app, asked + settings.deadline)
    const now = yield* monotonicMillis
    yield* Effect.logDebug(`fetched an access token for ${app.appid}`)
    // counted from before the request, so never too long
    const ttl = Math.max(1, answer.expires_in * 1_000 - (now - asked))
    const written = yield* Effect.result(cache.write(key, { ...lease, token: answer.access_token, ttl }))
    if (written._tag === "Success" && written.success === undefined) return undefined
    // A token that can't be stored is good all the same; it has a generation that no store gives.
    if (written._tag === "Failure") yield* Effect.logWarning(written.failure.message)
    const generation = written._tag === "Success" ? written.success! : -++fetches
    return adopt(state, { value: answer.access_token, generation }, ttl, ttl, now)
  })

  // A token that will do: one that another holder fetched, or a new one.
  const obtain = Effect.fnUntraced(function* (app: AppCredentials, wanted: Wanted): Effect.fn.Return<Fetched, Reason> {
    const key = keyOf(app)
    const state = stateOf(key)
    const owner = `${self}-${++fetches}`
    const deadline = (yield* monotonicMillis) + settings.deadline
    let not: number | undefined
    for (let pause = 50; ; pause = Math.min(1_000, pause * 2)) {
      const now = yield* monotonicMillis
      const slot = yield* Effect.mapError(cache.read(key), storeFailed)
      not ??= wanted.fresh ? slot.generation : wanted.not
      if (slot.token !== undefined && slot.generation !== not && slot.expiresIn > margin(slot.lifetime)) {
        const token: Token = { value: slot.token, generation: slot.generation }
        return { token: adopt(state, token, slot.lifetime, slot.expiresIn, now), fresh: false }
      }
      if (wanted.refused && slot.generation === not && slot.token !== undefined) {
        yield* Effect.mapError(cache.remove(key, { generation: slot.generation }), storeFailed)
      }
      const lease = { owner, generation: slot.generation }
      if (yield* Effect.mapError(cache.lease(key, { ...lease, ttl: leaseTime }), storeFailed)) {
        const token = yield* Effect.ensuring(
          fetchAndStore(app, key, state, lease),
          Effect.ignore(cache.release(key, { owner }))
        )
        if (token !== undefined) return { token, fresh: true }
        // somebody stored a newer one while this fetch was late: theirs counts
        continue
      }
      if (now + pause >= deadline) return yield* new TimedOut({ during: "token", limit: settings.deadline })
      yield* Effect.sleep(pause)
    }
  })

  // One fetch at a time for a program; it runs in the client's scope, whoever waits for it.
  const launch = (app: AppCredentials, wanted: Wanted): Effect.Effect<Deferred.Deferred<Fetched, Reason>> =>
    // from the mark to the fiber in one step, which nobody can interrupt
    Effect.uninterruptible(
      Effect.suspend(() => {
        const state = stateOf(keyOf(app))
        if (state.flight !== undefined) return Effect.succeed(state.flight)
        const flight = Deferred.makeUnsafe<Fetched, Reason>()
        state.flight = flight
        const land = (exit: Exit.Exit<Fetched, Reason>) =>
          Effect.flatMap(monotonicMillis, (now) => {
            if (state.flight === flight) state.flight = undefined
            if (Exit.isFailure(exit)) {
              const failure = Cause.findFail(exit.cause)
              const pause = failure._tag === "Success" ? refusedFor(failure.success.error) : 0
              state.pausedUntil = now + Math.max(renewalPause, pause)
              if (failure._tag === "Success") state.refused = { reason: failure.success.error, until: now + pause }
            }
            const closed = Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
            return Deferred.done(flight, closed ? Exit.fail(new ClientClosed({})) : exit)
          })
        return obtain(app, wanted).pipe(
          // it belongs to all who wait, so to nobody's span
          Effect.withSpan("QQMini.AccessToken.fetch", { root: true }, { captureStackTrace: false }),
          Effect.onExit(land),
          Effect.forkIn(scope, { startImmediately: true }),
          // a scope that is closed already starts nothing
          Effect.tap((fiber) => (fiber.pollUnsafe() === undefined ? Effect.void : land(fiber.pollUnsafe()!))),
          Effect.as(flight)
        )
      })
    )

  const refusal = (state: State): Effect.Effect<Reason | undefined> =>
    Effect.map(monotonicMillis, (now) =>
      state.refused !== undefined && now < state.refused.until ? state.refused.reason : undefined
    )

  // A fetch that another caller began may have promised less than is wanted here; then one more is made.
  const wait = (app: AppCredentials, wanted: Wanted, within: number): Effect.Effect<Token, Reason> =>
    Effect.gen(function* () {
      const state = stateOf(keyOf(app))
      for (;;) {
        const refused = yield* refusal(state)
        if (refused !== undefined) return yield* refused
        const { fresh, token } = yield* Effect.flatMap(launch(app, wanted), Deferred.await)
        if (wanted.fresh ? fresh : token.generation !== wanted.not) return token
      }
    }).pipe(
      Effect.timeoutOrElse({
        duration: Math.max(0, within),
        orElse: () => Effect.fail(new TimedOut({ during: "token", limit: Math.round(within) }))
      })
    )

  return AccessToken.of({
    get: (app, within) =>
      Effect.flatMap(monotonicMillis, (now) => {
        const state = stateOf(keyOf(app))
        const { current } = state
        if (current === undefined || now >= current.endsAt) return wait(app, { not: current?.token.generation }, within)
        if (now < current.renewAt || now < state.pausedUntil || state.flight !== undefined) {
          return Effect.succeed(current.token)
        }
        const renewal = launch(app, { not: current.token.generation })
        if (settings.renewal === "background") return Effect.as(renewal, current.token)
        return Effect.flatMap(renewal, Deferred.await).pipe(
          Effect.map(({ token }) => token),
          Effect.timeoutOrElse({
            duration: Math.min(awaitRenewal, within / 2),
            orElse: () => Effect.succeed(current.token)
          }),
          Effect.catch(() => Effect.succeed(current.token))
        )
      }),
    renew: (app, refused, within) =>
      Effect.suspend(() => {
        const state = stateOf(keyOf(app))
        if (state.current !== undefined && state.current.token.generation !== refused.generation) {
          return Effect.succeed(state.current.token)
        }
        state.current = undefined
        return wait(app, { not: refused.generation, refused: true }, within)
      }),
    refresh: (app, within) => wait(app, { fresh: true }, within)
  })
})

/** The service over the store and the HTTP client that are provided. */
export const layer: Layer.Layer<AccessToken, never, TokenCache | HttpClient.HttpClient> = Layer.effect(
  AccessToken,
  make
)
