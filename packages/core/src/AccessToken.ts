/**
 * The access token of each program: shared by all callers, renewed before it expires, and replaced once when QQ refuses
 * it.
 *
 * Within a process one fiber fetches, and all others wait for it or keep using the old token. Across processes the
 * lease and the generation in the store do the same. Interrupting one caller never cancels the fetch that others wait
 * for.
 *
 * Fetches are limited for each program:
 * - When tokens die within 2 minutes, the first three in a row are replaced at once, later ones every 10 minutes. In
 *   between, calls fail with `TokenContested`.
 * - While the store is unavailable, a process keeps using its token, and fetches at most 3 tokens in 10 minutes. When
 *   the store is back, the newest of those tokens is shared through it.
 *
 * This file only connects the modules in `token/`.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { AppCredentials } from "./App.ts"
import * as Attempt from "./call/attempt.ts"
import { Settings } from "./internal/settings.ts"
import { millisOf } from "./internal/time.ts"
import type { Reason } from "./reason/client.ts"
import { Observe } from "./telemetry/observe.ts"
import { Listeners, type TokenEvent } from "./token/events.ts"
import * as Fallback from "./token/fallback.ts"
import { make as makeFlights, passToWaitUntil, resultOf } from "./token/flight.ts"
import * as Grant from "./token/grant.ts"
import * as GuardedStore from "./token/guardedStore.ts"
import * as Lease from "./token/lease.ts"
import { type Program, Programs } from "./token/program.ts"
import * as Wanted from "./token/token.ts"
import { TokenCache } from "./TokenCache.ts"
import { Transport } from "./Transport.ts"

export type {
  /** A token, and whether this fetch got it from QQ. */
  Fetched,
  /** A token and its origin. */
  Token
} from "./token/token.ts"
export {
  /**
   * How long before a token expires its renewal begins, in milliseconds. Takes the token's lifetime in milliseconds.
   */
  renewalLead
} from "./token/token.ts"
export type {
  /** An event about a program's token or the token store, as seen by this process. */
  TokenEvent
} from "./token/events.ts"
export {
  /** The key of a program's slot in a store. It depends on the appid, the AppSecret and QQ's base URL. */
  keyOf
} from "./token/program.ts"

/** The service that gives every call its access token. All times are milliseconds. */
export class AccessToken extends Context.Service<
  AccessToken,
  {
    /** Whether this process holds a valid token, so that `get` needs neither the store nor QQ. */
    readonly isWarm: (app: AppCredentials) => Effect.Effect<boolean>
    /** The current token. A memory read if `isWarm`; otherwise it waits at most `within` milliseconds. */
    readonly get: (app: AppCredentials, within: number) => Effect.Effect<Wanted.Token, Reason>
    /**
     * A token to use in place of the one that QQ refused. It is either fetched now (`fresh`), or a newer one that
     * another caller stored, which QQ may refuse as well. `before` are the tokens that QQ refused to the same call
     * before. Waits at most `within` milliseconds.
     */
    readonly renew: (
      app: AppCredentials,
      refused: Wanted.Token,
      within: number,
      before?: ReadonlyArray<Wanted.Token>
    ) => Effect.Effect<Wanted.Fetched, Reason>
    /** Fetches a new token, even if the current one is valid. Waits at most `within` milliseconds. */
    readonly refresh: (app: AppCredentials, within: number) => Effect.Effect<Wanted.Token, Reason>
    /**
     * Renews the stored token before it expires. For an alarm that keeps the token fresh while no calls are made. Waits
     * at most `within` milliseconds.
     */
    readonly renewAhead: (app: AppCredentials, within: number) => Effect.Effect<Wanted.Token, Reason>
    /** Calls a listener with every token event until the scope is closed. */
    readonly listen: (listener: (event: TokenEvent) => void) => Effect.Effect<void, never, Scope.Scope>
  }
>()("@qq-mini/core/AccessToken") {}

/** A stream of token events from now on. A slow reader keeps the newest 256 events and loses older ones. */
export const events: Stream.Stream<TokenEvent, never, AccessToken> = /* @__PURE__ */ Stream.callback<
  TokenEvent,
  never,
  AccessToken
>((queue) => Effect.flatMap(AccessToken, ({ listen }) => listen((event) => Queue.offerUnsafe(queue, event))), {
  bufferSize: 256,
  strategy: "sliding"
})

// Where nothing may run after the answer, the caller that starts a renewal waits for it at most this long (ms).
const awaitRenewalMillis = 2_000
// Where calls share no fetches: after one call starts a renewal, no other call starts one for this long (ms).
const renewalTurnMillis = 5_000

const tokenOf = ({ token }: Wanted.Fetched): Wanted.Token => token

/** Waits for background work: at most 2 seconds, and at most half of the call's remaining milliseconds (`within`). */
const waitBriefly = <A, E, B>(effect: Effect.Effect<A, E>, within: number, otherwise: B): Effect.Effect<A | B, E> =>
  Effect.timeoutOrElse(effect, {
    duration: Math.min(awaitRenewalMillis, within / 2),
    orElse: () => Effect.succeed(otherwise)
  })

/** T6: makes the check of the store that is due, while other calls keep using the token in memory. */
const checkStore = (program: Program, token: Wanted.Token, now: number, within: number) =>
  Effect.forkDetach(Fallback.runStoreCheck(program, program.storeCheck!, now), { startImmediately: true }).pipe(
    Effect.flatMap((fiber) =>
      Effect.flatMap(passToWaitUntil(fiber), (handedOver) =>
        handedOver ? Effect.void : waitBriefly(Fiber.await(fiber), within, undefined)
      )
    ),
    Effect.map(() => program.memory.current?.token ?? token)
  )

/** Makes the service from a store and a transport. Its fetches are interrupted when the scope is closed. */
export const make = Effect.gen(function* () {
  const settings = yield* Settings
  const cache = yield* TokenCache
  const scope = yield* Effect.scope
  const observe = yield* Observe
  const attempt = observe("attempt", Attempt.make(observe("transport", yield* Transport), settings.baseUrl))
  const self = `${(yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)}${(yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)}`
  let owners = 0
  const listeners = observe("listeners", new Listeners())
  const parts: Fallback.Parts = {
    fetchToken: Grant.make(attempt, settings, cache.maxLifetime),
    store: observe(
      "store",
      GuardedStore.make(cache, settings, {
        onLost: (problem) => listeners.publish({ _tag: "StoreLost", problem }),
        onBack: listeners.publish({ _tag: "StoreBack" })
      })
    ),
    settings,
    listeners,
    scope,
    newOwner: () => `${self}-${++owners}`
  }
  const obtain = observe("obtain", Lease.make(parts, Fallback.make(parts)))
  const flights = observe("flights", makeFlights(obtain, settings, scope))
  const programs = new Programs(settings.baseUrl)

  // T8: one call starts the renewal. It waits only if the renewal can't run in the background.
  const renewAhead = (program: Program, token: Wanted.Token, now: number, within: number) => {
    if (settings.runs === "request") program.memory.pauseRenewal(now, renewalTurnMillis)
    return Effect.flatMap(flights.join(program, Wanted.renewalOf(token)), ({ flight }) =>
      flight.isDetached
        ? Effect.succeed(token)
        : Effect.orElseSucceed(waitBriefly(Effect.map(resultOf(flight), tokenOf), within, token), () => token)
    )
  }

  return AccessToken.of({
    listen: (listener) => listeners.listen(listener),
    isWarm: (app) =>
      Clock.clockWith((clock) => Effect.succeed(programs.of(app).memory.usable(millisOf(clock)) !== undefined)),
    get: (app, within) =>
      Clock.clockWith((clock): Effect.Effect<Wanted.Token, Reason> => {
        const now = millisOf(clock)
        const program = programs.of(app)
        const { memory, storeCheck } = program
        const token = memory.usable(now)
        if (token === undefined) {
          const wanted = memory.current === undefined ? Wanted.any : Wanted.renewalOf(memory.current.token)
          return Effect.map(flights.wait(program, wanted, within), tokenOf)
        }
        if (storeCheck !== undefined && now >= storeCheck.at) return checkStore(program, token, now, within)
        return program.flight === undefined && memory.isRenewalDue(now)
          ? renewAhead(program, token, now, within)
          : Effect.succeed(token)
      }),
    renewAhead: (app, within) => {
      const program = programs.of(app)
      return Effect.flatMap(flights.wait(program, Wanted.any, within), ({ fresh, token }) =>
        fresh ? Effect.succeed(token) : Effect.map(flights.wait(program, Wanted.renewalOf(token), within), tokenOf)
      )
    },
    renew: (app, refused, within, before) =>
      Effect.suspend(() => {
        const program = programs.of(app)
        const { memory } = program
        const present = memory.current?.token
        const wanted = Wanted.replacementOf(refused, before)
        // T3
        if (present !== undefined && Wanted.isWanted(present.value, wanted)) {
          return Effect.succeed({ token: present, fresh: false })
        }
        memory.current = undefined
        const renewal = flights.wait(program, wanted, within)
        return present === undefined
          ? renewal
          : Effect.andThen(listeners.publish({ _tag: "Invalidated", appid: app.appid }), renewal)
      }),
    refresh: (app, within) =>
      Effect.suspend(() => Effect.map(flights.wait(programs.of(app), Wanted.fresh, within), tokenOf))
  })
})

/** The service from the provided store and transport. */
export const layer: Layer.Layer<AccessToken, never, TokenCache | Transport> = Layer.effect(AccessToken, make)
