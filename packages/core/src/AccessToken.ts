/**
 * The life of a token: the current one for everybody, renewed ahead of its end, and replaced once when QQ refuses it.
 *
 * Within a process one fiber fetches while all others wait for it or go on with the old token; across processes the
 * store's lease and generation do the same. Interrupting a caller never cancels the fetch others wait for.
 *
 * Fetches are bounded, for each program:
 * - of tokens that died within 2 minutes three in a row are replaced at once, then one every 10 minutes; in between calls
 *   fail with `TokenContested`;
 * - while the store can't be used, a process goes on with the token it has, and fetches at most three in 10 minutes. When
 *   the store is back, the newest of those tokens becomes everybody's.
 *
 * This file wires the rooms of `token/`.
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
import * as Alone from "./token/alone.ts"
import { Listeners, type TokenEvent } from "./token/events.ts"
import { arrival, handOver, make as makeFlights } from "./token/flight.ts"
import * as Grant from "./token/grant.ts"
import * as Lease from "./token/lease.ts"
import { type Program, Programs } from "./token/program.ts"
import * as Reach from "./token/reach.ts"
import * as Wanted from "./token/token.ts"
import { TokenCache } from "./TokenCache.ts"
import { Transport } from "./Transport.ts"

export type {
  /** A token, and whether it was fetched now or found. */
  Fetched,
  /** A token and where it came from. */
  Token
} from "./token/token.ts"
export {
  /** How many milliseconds ahead of the end of a token with this lifetime its renewal begins. */
  renewalLead
} from "./token/token.ts"
export type {
  /** What happened to a program's token, as this process saw it. */
  TokenEvent
} from "./token/events.ts"
export {
  /** Which slot of a store a program's token is in, for clients that call QQ at this address. */
  keyOf
} from "./token/program.ts"

/** The service that every call asks for its token. */
export class AccessToken extends Context.Service<
  AccessToken,
  {
    /** Whether `get` is a memory read now. */
    readonly isWarm: (app: AppCredentials) => Effect.Effect<boolean>
    /** The current token; a memory read when warm. Waits `within` milliseconds at the most. */
    readonly get: (app: AppCredentials, within: number) => Effect.Effect<Wanted.Token, Reason>
    /**
     * Another token than this one, which QQ refused: a `fresh` one, fetched now, or a newer one of somebody's, which may
     * be dead as well.
     */
    readonly renew: (
      app: AppCredentials,
      refused: Wanted.Token,
      within: number
    ) => Effect.Effect<Wanted.Fetched, Reason>
    /** A new token in any case. */
    readonly refresh: (app: AppCredentials, within: number) => Effect.Effect<Wanted.Token, Reason>
    /**
     * Another token than the stored one, ahead of its end and while it stays good: for what keeps a token fresh where
     * nobody calls, as an alarm does.
     */
    readonly renewAhead: (app: AppCredentials, within: number) => Effect.Effect<Wanted.Token, Reason>
    /** Tells a listener what happens to the tokens, until the scope is closed. */
    readonly listen: (listener: (event: TokenEvent) => void) => Effect.Effect<void, never, Scope.Scope>
  }
>()("@qq-mini/core/AccessToken") {}

/** What happens to the tokens from now on. A listener that is slow misses the oldest of more than 256 events. */
export const events: Stream.Stream<TokenEvent, never, AccessToken> = /* @__PURE__ */ Stream.callback<
  TokenEvent,
  never,
  AccessToken
>((queue) => Effect.flatMap(AccessToken, ({ listen }) => listen((event) => Queue.offerUnsafe(queue, event))), {
  bufferSize: 256,
  strategy: "sliding"
})

// Where nothing may run after the answer, one caller waits this long for a renewal that others profit from (ms).
const awaitRenewalMillis = 2_000
// Where calls share no fetches, a call that begins a renewal has this long before another may begin one (ms).
const renewalTurnMillis = 5_000

const tokenOf = ({ token }: Wanted.Fetched): Wanted.Token => token

/** Waits for a thing that others profit from, but no longer than a call with so much time left can bear. */
const forAWhile = <A, E, B>(effect: Effect.Effect<A, E>, within: number, otherwise: B): Effect.Effect<A | B, E> =>
  Effect.timeoutOrElse(effect, {
    duration: Math.min(awaitRenewalMillis, within / 2),
    orElse: () => Effect.succeed(otherwise)
  })

/** T6: makes the look at the store that is due, while other calls go on. */
const lookAtStore = (program: Program, token: Wanted.Token, now: number, within: number) =>
  Effect.forkDetach(Alone.lookNow(program, program.look!, now), { startImmediately: true }).pipe(
    Effect.flatMap((fiber) =>
      Effect.flatMap(handOver(fiber), (handedOver) =>
        handedOver ? Effect.void : forAWhile(Fiber.await(fiber), within, undefined)
      )
    ),
    Effect.map(() => program.memory.current?.token ?? token)
  )

/** Makes the service over a store and a transport. Fetches run in the scope and end with it. */
export const make = Effect.gen(function* () {
  const settings = yield* Settings
  const cache = yield* TokenCache
  const scope = yield* Effect.scope
  const attempt = Attempt.make(yield* Transport, settings.baseUrl)
  const self = `${(yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)}${(yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)}`
  let owners = 0
  const listeners = new Listeners()
  const parts: Alone.Parts = {
    ask: Grant.make(attempt, settings, cache.maxLifetime),
    reach: Reach.make(cache, {
      onLost: (problem) => listeners.publish({ _tag: "StoreLost", problem }),
      onBack: listeners.publish({ _tag: "StoreBack" })
    }),
    settings,
    listeners,
    scope,
    newOwner: () => `${self}-${++owners}`
  }
  const flights = makeFlights(Lease.make(parts, Alone.make(parts)), settings, scope)
  const programs = new Programs(settings.baseUrl)

  // T8: one call begins the renewal and waits for it only where it would not go on without that.
  const renewAhead = (program: Program, token: Wanted.Token, now: number, within: number) => {
    if (settings.runs === "request") program.memory.pauseRenewal(now, renewalTurnMillis)
    return Effect.flatMap(flights.board(program, Wanted.after(token)), ({ flight }) =>
      flight.goesOn
        ? Effect.succeed(token)
        : Effect.orElseSucceed(forAWhile(Effect.map(arrival(flight), tokenOf), within, token), () => token)
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
        const { look, memory } = program
        const token = memory.usable(now)
        if (token === undefined) {
          const wanted = memory.current === undefined ? Wanted.any : Wanted.after(memory.current.token)
          return Effect.map(flights.wait(program, wanted, within), tokenOf)
        }
        if (look !== undefined && now >= look.at) return lookAtStore(program, token, now, within)
        return program.flight === undefined && memory.isRenewalDue(now)
          ? renewAhead(program, token, now, within)
          : Effect.succeed(token)
      }),
    renewAhead: (app, within) => {
      const program = programs.of(app)
      return Effect.flatMap(flights.wait(program, Wanted.any, within), ({ fresh, token }) =>
        fresh ? Effect.succeed(token) : Effect.map(flights.wait(program, Wanted.after(token), within), tokenOf)
      )
    },
    renew: (app, refused, within) =>
      Effect.suspend(() => {
        const program = programs.of(app)
        const { memory } = program
        const present = memory.current?.token
        // T3
        if (present !== undefined && !Wanted.same(present.value, refused.value)) {
          return Effect.succeed({ token: present, fresh: false })
        }
        memory.current = undefined
        const renewal = flights.wait(program, Wanted.insteadOf(refused), within)
        return present === undefined
          ? renewal
          : Effect.andThen(listeners.publish({ _tag: "Invalidated", appid: app.appid }), renewal)
      }),
    refresh: (app, within) =>
      Effect.suspend(() => Effect.map(flights.wait(programs.of(app), Wanted.fresh, within), tokenOf))
  })
})

/** The service over the store and the transport that are provided. */
export const layer: Layer.Layer<AccessToken, never, TokenCache | Transport> = Layer.effect(AccessToken, make)
