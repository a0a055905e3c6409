/**
 * The life of a token: the current one for everybody, renewed ahead of its end, and replaced once when QQ refuses it.
 *
 * Within a process one fiber fetches while all others wait for it or go on with the old token; across processes the
 * store's lease and generation do the same. Interrupting a caller never cancels the fetch others wait for.
 *
 * Fetches are bounded, for each program:
 * - of tokens that died within 2 minutes three in a row are replaced at once, then one every 10 minutes; in between calls
 *   fail with `TokenContested`;
 * - while the store can't be used, a process goes on with the token it has, and fetches at most three in 10 minutes by
 *   itself. When the store is back, the newest of those tokens becomes everybody's.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { AppCredentials, AppId } from "./App.ts"
import * as Auth from "./Auth.ts"
import * as Exchange from "./internal/exchange.ts"
import * as History from "./internal/history.ts"
import { encode } from "./internal/request.ts"
import { fingerprint } from "./internal/secrets.ts"
import { Settings, WaitUntil } from "./internal/settings.ts"
import * as Store from "./internal/store.ts"
import { monotonicMillis } from "./internal/time.ts"
import { ClientClosed, type Reason, StoreFailed, TimedOut, TokenContested } from "./QQError.ts"
import * as Retry from "./Retry.ts"
import { type Key, type Slot, TokenCache, type TokenCacheError } from "./TokenCache.ts"
import { Transport } from "./Transport.ts"

/** A token and which one it is. */
export interface Token {
  readonly value: Redacted.Redacted<string>
  readonly generation: number
}

/**
 * What happened to a program's token, as this process saw it.
 *
 * - `Fetched`: this process fetched one, because there was none, it was dead, or a caller asked for a new one.
 * - `Renewed`: this process fetched one ahead of the old one's end.
 * - `Invalidated`: QQ refused the current one before its end.
 * - `Contested`: tokens die early again and again. The reason's `wait` is how long no more are fetched; with 0 calls go on,
 *   because they die so seldom that QQ's 5 minutes of grace bridge it.
 * - `StoreLost`, `StoreBack`: the store can't be used any more, and can be used again.
 */
export type TokenEvent =
  | {
      readonly _tag: "Fetched" | "Renewed"
      readonly appid: AppId
      /** Milliseconds it is good for. */
      readonly lifetime: number
      /** Whether it was fetched without the store. */
      readonly alone: boolean
    }
  | { readonly _tag: "Invalidated"; readonly appid: AppId }
  | { readonly _tag: "Contested"; readonly appid: AppId; readonly reason: TokenContested }
  | { readonly _tag: "StoreLost"; readonly problem: string }
  | { readonly _tag: "StoreBack" }

/** A token, and whether it was fetched now or found. */
export interface Fetched {
  readonly token: Token
  readonly fresh: boolean
}

/** The service that every call asks for its token. */
export class AccessToken extends Context.Service<
  AccessToken,
  {
    /** Whether `get` is a memory read now. */
    readonly isWarm: (app: AppCredentials) => Effect.Effect<boolean>
    /** The current token; a memory read when warm. Waits `within` milliseconds at the most. */
    readonly get: (app: AppCredentials, within: number) => Effect.Effect<Token, Reason>
    /**
     * Another token than this one, which QQ refused: a `fresh` one, fetched now, or a newer one of somebody's, which may
     * be dead as well.
     */
    readonly renew: (app: AppCredentials, refused: Token, within: number) => Effect.Effect<Fetched, Reason>
    /** A new token in any case. */
    readonly refresh: (app: AppCredentials, within: number) => Effect.Effect<Token, Reason>
    /**
     * Another token than the stored one, ahead of its end and while it stays good: for what keeps a token fresh where
     * nobody calls, as an alarm does.
     */
    readonly renewAhead: (app: AppCredentials, within: number) => Effect.Effect<Token, Reason>
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

/** Which slot of a store a program's token is in, for clients that call QQ at this address. */
export const keyOf = (app: AppCredentials, baseUrl: string): Key =>
  `${app.appid}:${fingerprint(`${baseUrl} ${Redacted.value(app.appsecret)}`)}`

/** What QQ gave, and when it was asked for. */
interface Grant {
  readonly asked: number
  readonly value: Token["value"]
  readonly lifetime: number
}

/** What a fetch is for. */
interface Wanted {
  /** The token that will not do. */
  readonly not?: Token | undefined
  /** Whether QQ refused that one. */
  readonly refused?: boolean | undefined
  /** Whether only a token fetched now will do. */
  readonly fresh?: boolean | undefined
}

interface Current {
  readonly token: Token
  /** From here on one holder renews while all go on. */
  readonly renewAt: number
  /** From here on it is not used any more. */
  readonly endsAt: number
}

/** A fetch under way, and how many wait for it. */
interface Flight {
  readonly done: Deferred.Deferred<Fetched, Reason>
  /** Whether it goes on, whoever waits: in the background, or since the runtime took it over. */
  goesOn: boolean
  waiting: number
  fiber: Fiber.Fiber<unknown, unknown> | undefined
}

/** What remains to be done about a token that was fetched without the store. */
interface Settling {
  /** Looks whether it is everybody's by now, and makes it so if it can; gives whether that is the end of it. */
  readonly look: (sinceLast: number) => Effect.Effect<boolean>
  readonly pause: number
  readonly at: number
}

interface State {
  current: Current | undefined
  flight: Flight | undefined
  /** Where nothing may run after the answer, the calls do it by the way. */
  settling: Settling | undefined
  /** Why QQ refused these credentials, and until when not to ask again. */
  refused: { readonly reason: Reason; readonly until: number } | undefined
  /** After a renewal ahead of time failed: when to try again. */
  pausedUntil: number
  /** When this process fetched without the store. */
  alone: ReadonlyArray<number>
  /** Until when a call is thought to be doing so. */
  aloneUntil: number
}

/**
 * How many milliseconds ahead of the end of a token with this lifetime its renewal begins. QQ honours the old one for 5
 * minutes after a new one was fetched, so that is the most.
 */
export const renewalLead = (lifetime: number): number => Math.min(300_000, lifetime / 10)
// Stop using a token a little before its end, so that a request on its way does not arrive too late.
const margin = (lifetime: number) => Math.min(10_000, lifetime / 20)
const renewalPause = 30_000
// where nothing may run after the answer, one caller waits so long for what others profit from, and then goes on
const awaitRenewal = 2_000
// where each call is by itself, one that began a renewal is given so long before another may
const renewalTurn = 5_000
// credentials that come with the calls are not known beforehand: remember so many
const maxStates = 1_000
// Lease TTL, and how often a live holder extends it (ms).
const leaseTime = 6_000
const leaseBeat = 2_000
// without the store: so many fetches in so long
const maxAlone = 3
const aloneWindow = 600_000
// how soon to look whether the store is back, how seldom at last, and how long after that
const [settleSoon, settleSeldom, settleCalm] = [500, 5_000, 15_000]
const nextPause = (pause: number) => Math.min(settleSeldom, pause * 2)
// look again so soon, and so seldom at last: where the store tells nothing, and where it does
const [pollSoon, pollSeldom, pollWatched] = [50, 1_000, 2_000]

// For how long not to ask again after QQ refused: what only people can change, what time changes, and the rest.
const refusedFor = (reason: Reason): number => {
  switch (reason._tag) {
    case "WrongSecret":
    case "InvalidAppId":
    case "QuotaReached":
    case "TooFrequent":
      return 60_000
    case "TokenContested":
      // somebody who shares the store may have fetched by then
      return Math.min(5_000, reason.wait)
    case "Rejected":
      return reason.code === 40002 ? 60_000 : 5_000
    default:
      return "code" in reason && reason._tag !== "SystemBusy" ? 5_000 : 0
  }
}

const same = (one: Token["value"], other: Token["value"]) => Redacted.value(one) === Redacted.value(other)

const tokenOf = ({ token }: Fetched): Token => token

/** What this process has, if that will do. */
const presentFor = ({ current }: State, { fresh, not }: Wanted, now: number): Token | undefined =>
  current === undefined || now >= current.endsAt || fresh || (not !== undefined && same(current.token.value, not.value))
    ? undefined
    : current.token

const storeFailed = (error: TokenCacheError): StoreFailed =>
  new StoreFailed({ operation: error.operation, problem: error.problem })

/** Whether a token's time is not over, so that only QQ's refusal can have ended it. */
const diedEarly = (slot: Slot, wanted: Wanted, now: number): boolean =>
  slot.generation > 0 &&
  (slot.token === undefined || wanted.refused === true) &&
  now - History.fetchedAt(History.read(slot)) < slot.lifetime - renewalLead(slot.lifetime)

/** Hands a fiber over to what the runtime lets go on after an answer; gives whether there is such a thing. */
const handOver = (fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<boolean> =>
  Effect.flatMap(WaitUntil, (waitUntil) =>
    waitUntil === undefined
      ? Effect.succeed(false)
      : Effect.try(() => waitUntil(new Promise<void>((resolve) => fiber.addObserver(() => resolve())))).pipe(
          Effect.as(true),
          // as one that was taken from its object and is called without it
          Effect.catch(() =>
            Effect.as(Effect.logWarning("waitUntil failed: give it as (work) => ctx.waitUntil(work)"), false)
          )
        )
  )

// Where nothing may run after the answer, a fetch ends with the last who waits for it.
const arrival = (flight: Flight): Effect.Effect<Fetched, Reason> =>
  flight.goesOn
    ? Deferred.await(flight.done)
    : Effect.suspend(() => {
        flight.waiting++
        return Effect.ensuring(
          Deferred.await(flight.done),
          Effect.suspend(() =>
            --flight.waiting === 0 && flight.fiber !== undefined ? Fiber.interrupt(flight.fiber) : Effect.void
          )
        )
      })

/** Waits for what others profit from, but no longer than a call with so much time left can bear. */
const forAWhile = <A, E, B>(effect: Effect.Effect<A, E>, within: number, otherwise: B): Effect.Effect<A | B, E> =>
  Effect.timeoutOrElse(effect, {
    duration: Math.min(awaitRenewal, within / 2),
    orElse: () => Effect.succeed(otherwise)
  })

/** Remembers why QQ gave no token, so that it is not asked again at once; gives for how many milliseconds. */
const refuse = (state: State, reason: Reason, now: number): number => {
  const pause = refusedFor(reason)
  state.refused = { reason, until: now + pause }
  return pause
}

/** Makes the service over a store and a transport. Fetches run in the scope and end with it. */
export const make = Effect.gen(function* () {
  const settings = yield* Settings
  const exchange = Exchange.make(yield* Transport, settings.baseUrl)
  const scope = yield* Effect.scope
  const shared = settings.runs !== "request"
  const self = `${(yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)}${(yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)}`
  const states = new Map<Key, State>()
  const listeners = new Set<(event: TokenEvent) => void>()
  const publish = (event: TokenEvent): Effect.Effect<void> =>
    Effect.forEach(
      listeners,
      (listener) =>
        Effect.catchDefect(
          Effect.sync(() => listener(event)),
          (defect) => Effect.logError("a listener of token events failed", defect)
        ),
      { discard: true }
    )
  let fetches = 0

  // told once for each program, not for each call
  const keys = new WeakMap<AppCredentials, Key>()
  const slotOf = (app: AppCredentials): Key => {
    let key = keys.get(app)
    if (key === undefined) {
      keys.set(app, (key = keyOf(app, settings.baseUrl)))
    }
    return key
  }

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
      state = {
        current: undefined,
        flight: undefined,
        settling: undefined,
        refused: undefined,
        pausedUntil: 0,
        alone: [],
        aloneUntil: 0
      }
      states.set(key, state)
    }
    return state
  }

  const cache = yield* TokenCache
  const store = Store.make(cache, {
    onLost: (problem) => publish({ _tag: "StoreLost", problem }),
    onBack: publish({ _tag: "StoreBack" })
  })

  /** `now` is when `expiresIn` was true, or before. */
  const adopt = (state: State, token: Token, lifetime: number, expiresIn: number, now: number): Token => {
    state.current = {
      token,
      renewAt: now + expiresIn - renewalLead(lifetime),
      endsAt: now + expiresIn - margin(lifetime)
    }
    state.refused = undefined
    state.pausedUntil = 0
    return token
  }

  const find = (state: State, slot: Slot, now: number): Token =>
    adopt(state, { value: slot.token!, generation: slot.generation }, slot.lifetime, slot.expiresIn, now)

  const grant = encode(Auth.getAccessToken, {})

  /**
   * Asks QQ, again only as long as that is this holder's business. What QQ gives is good from `asked` on, counted from
   * before the request, so never too long.
   */
  const fetchToken = Effect.fnUntraced(function* (
    app: AppCredentials,
    /** Whether the lease is this holder's, just before a request leaves. */
    stillMine: Effect.Effect<boolean>,
    onLost?: () => void
  ): Effect.fn.Return<Grant | undefined, Reason> {
    const { wire } = yield* Effect.fromResult(grant)
    const deadline = (yield* monotonicMillis) + settings.deadline
    const attempt = Effect.gen(function* () {
      // T1: callers that started in the same turn of the event loop run first. They may take longer than the lease, and
      // then the request would reach QQ beside another holder's.
      yield* Effect.yieldNow
      if (!(yield* stillMine)) return undefined
      const asked = yield* monotonicMillis
      const timeout = Math.max(1, Math.min(settings.attemptTimeout, deadline - asked))
      const { access_token, expires_in }: typeof Auth.getAccessToken.output.Type = yield* exchange(
        Auth.getAccessToken,
        { wire, appid: app.appid, authority: app, timeout }
      )
      return { asked, value: access_token, lifetime: Math.min(expires_in * 1_000, cache.maxLifetime ?? Infinity) }
    })
    // what got lost may have made a token all the same
    const watched = Effect.tapError(attempt, ({ phase }) => Effect.sync(() => phase === "lost" && onLost?.()))
    return yield* Retry.run(watched, {
      delivery: Auth.getAccessToken.delivery,
      deadline,
      policy: settings.retry
    })
  })

  const tell = (app: AppCredentials, lifetime: number, options: { renewed: boolean; alone: boolean }) =>
    Effect.andThen(
      Effect.logDebug(`${options.renewed ? "renewed" : "fetched"} the access token of ${app.appid}`),
      publish({
        _tag: options.renewed ? "Renewed" : "Fetched",
        appid: app.appid,
        lifetime,
        alone: options.alone
      })
    )

  // Fetches under the lease and stores the token. Gives `undefined` when somebody else stored one meanwhile.
  const fetchAndStore = Effect.fnUntraced(function* (
    app: AppCredentials,
    key: Key,
    state: State,
    slot: Slot,
    options: {
      readonly owner: string
      readonly history: History.History
      readonly renewed: boolean
      readonly stillMine: Effect.Effect<boolean>
      readonly onFetched: (granted: Grant) => void
    }
  ): Effect.fn.Return<Token | undefined, Reason> {
    const before = yield* monotonicMillis
    const fetched = yield* fetchToken(app, options.stillMine)
    if (fetched === undefined) return undefined
    const { asked, lifetime, value } = fetched
    options.onFetched(fetched)
    const now = yield* monotonicMillis
    const ttl = Math.max(1, lifetime - (now - asked))
    const written = yield* Effect.result(
      store.write(key, {
        owner: options.owner,
        generation: slot.generation,
        token: value,
        ttl,
        history: History.next(options.history, slot.now + (asked - before))
      })
    )
    if (written._tag === "Success" && written.success === undefined) return undefined
    const alone = written._tag === "Failure"
    yield* tell(app, ttl, { renewed: options.renewed, alone })
    // A token that can't be stored is good all the same; it has a generation that no store gives.
    if (alone) return yield* keepAlone(key, state, fetched)
    return adopt(state, { value, generation: written.success! }, ttl, ttl, now)
  })

  const keepAlone = (key: Key, state: State, { asked, lifetime, value }: Grant): Effect.Effect<Token> => {
    const token = adopt(state, { value, generation: -++fetches }, lifetime, lifetime, asked)
    const look = settle(key, state, token, asked, lifetime)
    if (settings.runs !== "process") {
      state.settling = { look, pause: settleSoon, at: asked + settleSoon }
      return Effect.succeed(token)
    }
    const looks = Effect.gen(function* () {
      for (let pause = settleSoon; ; pause = nextPause(pause)) {
        yield* Effect.sleep(pause)
        if (yield* look(pause)) return
      }
    })
    return Effect.as(Effect.forkIn(looks, scope), token)
  }

  const refusal = (state: State): Effect.Effect<Reason | undefined> =>
    Effect.map(monotonicMillis, (now) =>
      state.refused !== undefined && now < state.refused.until ? state.refused.reason : undefined
    )

  // Without the store: what is in memory goes on, and when there is nothing, this process fetches for itself.
  const alone = Effect.fnUntraced(function* (
    app: AppCredentials,
    key: Key,
    state: State,
    wanted: Wanted,
    error: TokenCacheError
  ): Effect.fn.Return<Fetched, Reason> {
    let now = yield* monotonicMillis
    // what another call of this process got meanwhile, or is about to get, will do; where flights are shared there is none
    for (; !wanted.fresh; now = yield* monotonicMillis) {
      const present = presentFor(state, wanted, now)
      if (present !== undefined) return { token: present, fresh: false }
      if (now >= state.aloneUntil) break
      yield* Effect.sleep(pollSoon)
    }
    const refused = yield* refusal(state)
    if (refused !== undefined) return yield* refused
    // a renewal ahead of the end can wait for the store
    if (!wanted.fresh && !wanted.refused && state.current !== undefined && now < state.current.endsAt) {
      return yield* storeFailed(error)
    }
    state.alone = state.alone.filter((time) => time > now - aloneWindow)
    if (state.alone.length >= maxAlone) return yield* storeFailed(error)
    state.alone = [...state.alone, now]
    const until = now + settings.attemptTimeout
    state.aloneUntil = until
    let spent = false
    const granted = (yield* Effect.onExit(
      Effect.tapError(
        fetchToken(app, Effect.succeed(true), () => (spent = true)),
        (reason) => Effect.map(monotonicMillis, (now) => refuse(state, reason, now))
      ),
      (exit) =>
        Effect.sync(() => {
          // unless another is doing so by now
          if (state.aloneUntil === until) state.aloneUntil = 0
          // what certainly made no token has killed none; of one that was broken off it can't be known
          if (Exit.isFailure(exit) && !spent && !Cause.hasInterrupts(exit.cause))
            state.alone = state.alone.filter((time) => time !== now)
        })
    ))!
    yield* tell(app, granted.lifetime, { renewed: false, alone: true })
    return { token: yield* keepAlone(key, state, granted), fresh: true }
  })

  // Makes a token that was fetched without the store everybody's, once the store is back; unless a newer one is there.
  // Others come back with theirs at about the same time, so it looks on for a while whether one of them was newer.
  const settle = (key: Key, state: State, token: Token, asked: number, lifetime: number): Settling["look"] => {
    const owner = `${self}-${++fetches}`
    let current = token
    let calm = 0
    return Effect.fnUntraced(function* (sinceLast) {
      const now = yield* monotonicMillis
      // it was replaced meanwhile, or its time is over
      if (state.current?.token !== current || now >= state.current.endsAt) return true
      const read = yield* Effect.result(store.read(key))
      if (read._tag === "Failure") return false
      // or while the store was read
      if (state.current?.token !== current) return true
      const slot = read.success
      const history = History.read(slot)
      // by the store's clock, so that it can be compared
      const fetched = slot.now - (now - asked)
      const stored = slot.token !== undefined && slot.expiresIn > margin(slot.lifetime)
      const newer = History.fetchedAt(history) > fetched
      // a newer one died already, so this one did too
      if (newer && slot.token === undefined) return true
      if (stored && (current !== token || same(slot.token!, token.value) || newer)) {
        if (slot.generation !== current.generation) current = find(state, slot, now)
        calm += sinceLast
        return calm >= settleCalm
      }
      if (current !== token) return true
      const leased = yield* Effect.result(store.lease(key, { owner, generation: slot.generation, ttl: leaseTime }))
      if (leased._tag === "Failure" || !leased.success) return false
      const ttl = Math.max(1, lifetime - (now - asked))
      const generation = yield* store
        .write(key, {
          owner,
          generation: slot.generation,
          token: token.value,
          ttl,
          history: History.next(history, fetched)
        })
        .pipe(
          Effect.orElseSucceed(() => undefined),
          Effect.ensuring(store.release(key, { owner }))
        )
      if (generation === undefined || state.current?.token !== current) return false
      current = adopt(state, { value: token.value, generation }, lifetime, ttl, now)
      return false
    })
  }

  // What is due of that, where it is done by the way: by one call while others go on.
  const settleByTheWay = (state: State, { at, look, pause }: Settling, now: number): Effect.Effect<void> => {
    // the next one's turn is set before, since this call may be forgotten
    const next: Settling = { look, pause: nextPause(pause), at: now + nextPause(pause) }
    state.settling = next
    return Effect.flatMap(look(now - at + pause), (settled) =>
      Effect.sync(() => {
        if (settled && state.settling === next) state.settling = undefined
      })
    )
  }

  const contested = Effect.fnUntraced(function* (
    app: AppCredentials,
    state: State,
    slot: Slot,
    history: History.History,
    wait: number
  ): Effect.fn.Return<TokenContested> {
    const now = yield* monotonicMillis
    const reason = new TokenContested({
      deaths: history.deaths,
      fetchedAgo: history.fetched.map((time) => Math.max(0, slot.now - time)),
      ownFetches: state.alone.filter((time) => time > now - aloneWindow).length,
      wait
    })
    if (state.refused?.reason._tag !== "TokenContested") {
      yield* Effect.logWarning(`${app.appid}: ${reason.message}`)
      yield* publish({ _tag: "Contested", appid: app.appid, reason })
    }
    return reason
  })

  // A token that will do: one that another holder fetched, or a new one.
  const obtain = Effect.fnUntraced(function* (
    app: AppCredentials,
    wanted: Wanted
  ): Effect.fn.Return<Fetched, Reason, Scope.Scope> {
    const key = slotOf(app)
    const state = stateOf(key)
    const owner = `${self}-${++fetches}`
    const deadline = (yield* monotonicMillis) + settings.deadline
    let not: number | undefined
    let mine: Grant | undefined
    let changed: Effect.Effect<void> | undefined
    for (let pause = pollSoon; ; pause = Math.min(pollSeldom, pause * 2)) {
      const now = yield* monotonicMillis
      const read = yield* Effect.result(store.read(key))
      if (read._tag === "Failure") {
        if (read.failure.config !== undefined) return yield* read.failure.config
        if (mine !== undefined) return { token: yield* keepAlone(key, state, mine), fresh: true }
        return yield* alone(app, key, state, wanted, read.failure)
      }
      const slot = read.success
      not ??= wanted.fresh ? slot.generation : wanted.not?.generation
      // one that was fetched without the store, or whose writing was not heard of, has got another number there
      if (wanted.not !== undefined && slot.token !== undefined && same(slot.token, wanted.not.value)) {
        not = slot.generation
      }
      if (slot.token !== undefined && slot.generation !== not && slot.expiresIn > margin(slot.lifetime)) {
        // what another call of this process got while this one read is the newer one, also without the store; which of
        // those the store takes is told when it is settled
        const present = presentFor(state, wanted, now)
        if (present !== undefined && (present.generation < 0 || present.generation > slot.generation)) {
          return { token: present, fresh: false }
        }
        const fresh = mine !== undefined && same(slot.token, mine.value)
        return { token: find(state, slot, now), fresh }
      }
      // the store did not take what was fetched, and has no other: one fetch is enough all the same
      if (mine !== undefined) return { token: yield* keepAlone(key, state, mine), fresh: true }
      if (now >= deadline) return yield* new TimedOut({ during: "token", limit: settings.deadline })
      // what another call of this process heard meanwhile
      const refused = yield* refusal(state)
      if (refused !== undefined) return yield* refused
      let history = History.read(slot)
      if (!wanted.fresh) {
        const early = diedEarly(slot, wanted, slot.now)
        const verdict = early ? History.died(history, slot.now) : { history: History.lived(history), wait: 0 }
        history = verdict.history
        if (wanted.refused && slot.generation === not && slot.token !== undefined) {
          yield* Effect.ignore(store.remove(key, { generation: slot.generation }))
        }
        if (verdict.wait > 0) return yield* yield* contested(app, state, slot, history, verdict.wait)
      }
      const lease = { owner, generation: slot.generation, ttl: leaseTime }
      const leased = yield* Effect.result(store.lease(key, lease))
      if (leased._tag === "Failure") return yield* alone(app, key, state, wanted, leased.failure)
      if (leased.success) {
        // another call of this process may have been refused while this one waited for the lease
        const late = yield* refusal(state)
        if (late !== undefined) {
          yield* store.release(key, { owner })
          return yield* late
        }
        const renewed = !wanted.refused && !wanted.fresh && state.current !== undefined && now < state.current.endsAt
        let leasedAt = now
        // Extends the lease. `false`: another holder has it, or a newer token is stored, as after a freeze.
        const extended = Effect.flatMap(monotonicMillis, (before) =>
          Effect.tap(Store.bounded("lease", cache.lease(key, lease)), () => Effect.sync(() => (leasedAt = before)))
        )
        // A store that does not answer leaves the lease its TTL.
        const stillMine = Effect.catch(extended, () => Effect.map(monotonicMillis, (now) => now - leasedAt < leaseTime))
        // T1: a holder that lost its lease stops. What it got is looked for in the store then.
        const beat: Effect.Effect<undefined> = Effect.flatMap(
          // a request that has left goes on without the store
          Effect.delay(
            Effect.orElseSucceed(extended, () => true),
            leaseBeat
          ),
          (held) => (held ? beat : Effect.succeed(undefined))
        )
        // calls go on, but somebody fetches beside us
        if (!wanted.fresh && History.isTold(history)) yield* contested(app, state, slot, history, 0)
        const onFetched = (granted: Grant) => (mine = granted)
        const token = yield* Effect.ensuring(
          Effect.raceFirst(
            // known before the lease is given back, so that nobody of this process asks the same again
            Effect.tapError(
              fetchAndStore(app, key, state, slot, { owner, history, renewed, stillMine, onFetched }),
              (reason) => Effect.map(monotonicMillis, (now) => refuse(state, reason, now))
            ),
            beat
          ),
          store.release(key, { owner })
        )
        if (token !== undefined) return { token, fresh: true }
        // somebody stored a newer one while this fetch was late: theirs counts
        continue
      }
      if (changed !== undefined) {
        yield* Effect.raceFirst(changed, Effect.sleep(Math.min(pollWatched, Math.max(pollSoon, slot.leasedFor))))
      } else if (cache.watch === undefined) {
        yield* Effect.sleep(pause)
      } else {
        // and look once more, since it may have changed before it was watched
        changed = yield* Effect.orElseSucceed(Store.bounded("watch", cache.watch(key)), () => Effect.never)
      }
    }
  }, Effect.scoped)

  // One fetch at a time for a program; it runs in the client's scope, whoever waits for it. Where each call is by itself
  // the store alone sees to that.
  const launch = (
    app: AppCredentials,
    wanted: Wanted
  ): Effect.Effect<{ readonly flight: Flight; readonly joined: boolean }> =>
    // from the mark to the fiber in one step, which nobody can interrupt
    Effect.uninterruptible(
      Effect.suspend(() => {
        const state = stateOf(slotOf(app))
        if (state.flight !== undefined) return Effect.succeed({ flight: state.flight, joined: true as boolean })
        const flight: Flight = {
          done: Deferred.makeUnsafe(),
          goesOn: settings.runs === "process",
          waiting: 0,
          fiber: undefined
        }
        if (shared) state.flight = flight
        const land = (exit: Exit.Exit<Fetched, Reason>) =>
          Effect.flatMap(monotonicMillis, (now) => {
            if (state.flight === flight) state.flight = undefined
            if (Exit.isFailure(exit)) {
              const failure = Cause.findFail(exit.cause)
              const pause = failure._tag === "Success" ? refuse(state, failure.success.error, now) : 0
              state.pausedUntil = now + Math.max(renewalPause, pause)
            }
            const closed = Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
            return Deferred.done(flight.done, closed ? Exit.fail(new ClientClosed({})) : exit)
          }).pipe(
            Effect.andThen(
              Exit.isFailure(exit) && state.current !== undefined
                ? Effect.logWarning(`${app.appid}: the access token was not renewed`)
                : Effect.void
            )
          )
        return obtain(app, wanted).pipe(
          // it belongs to all who wait, so to nobody's span
          Effect.withSpan("QQMini.AccessToken.fetch", { root: true }, { captureStackTrace: false }),
          Effect.onExit(land),
          shared
            ? Effect.forkIn(scope, { startImmediately: true })
            : // one whose request was forgotten never ends, and the scope must not wait for it
              Effect.forkDetach({ startImmediately: true }),
          Effect.tap((fiber) => {
            flight.fiber = fiber
            // a scope that is closed already starts nothing
            return fiber.pollUnsafe() === undefined ? Effect.void : land(fiber.pollUnsafe()!)
          }),
          Effect.flatMap(handOver),
          Effect.map((handedOver) => {
            flight.goesOn ||= handedOver
            return { flight, joined: false }
          })
        )
      })
    )

  // A fetch that another caller began may have promised less than is wanted here; then one more is made.
  const wait = (app: AppCredentials, wanted: Wanted, within: number): Effect.Effect<Fetched, Reason> =>
    Effect.gen(function* () {
      const state = stateOf(slotOf(app))
      for (;;) {
        const refused = yield* refusal(state)
        if (refused !== undefined) return yield* refused
        const { flight, joined } = yield* launch(app, wanted)
        const fetched = yield* Effect.result(arrival(flight))
        if (fetched._tag === "Failure") {
          // a renewal ahead of the end gives up sooner than one that somebody needs
          if (joined && fetched.failure._tag === "StoreFailed" && (wanted.fresh || wanted.refused)) continue
          return yield* fetched.failure
        }
        const { fresh, token } = fetched.success
        // what QQ gave now will do, even if it gave the same again
        if (fresh || (!wanted.fresh && (wanted.not === undefined || !same(token.value, wanted.not.value)))) {
          return fetched.success
        }
      }
    }).pipe(
      Effect.timeoutOrElse({
        duration: Math.max(0, within),
        orElse: () => Effect.fail(new TimedOut({ during: "token", limit: Math.round(within) }))
      })
    )

  return AccessToken.of({
    listen: (listener) =>
      Effect.acquireRelease(
        Effect.sync(() => void listeners.add(listener)),
        () => Effect.sync(() => listeners.delete(listener))
      ),
    isWarm: (app) => Effect.map(monotonicMillis, (now) => presentFor(stateOf(slotOf(app)), {}, now) !== undefined),
    get: (app, within) =>
      Effect.flatMap(monotonicMillis, (now) => {
        const state = stateOf(slotOf(app))
        const { current } = state
        if (current === undefined || now >= current.endsAt) {
          return Effect.map(wait(app, { not: current?.token }, within), tokenOf)
        }
        if (state.settling !== undefined && now >= state.settling.at) {
          const settling = settleByTheWay(state, state.settling, now)
          return Effect.forkDetach(settling, { startImmediately: true }).pipe(
            Effect.flatMap((fiber) =>
              Effect.flatMap(handOver(fiber), (handedOver) =>
                handedOver ? Effect.void : forAWhile(Fiber.await(fiber), within, undefined)
              )
            ),
            Effect.map(() => state.current?.token ?? current.token)
          )
        }
        if (now < current.renewAt || now < state.pausedUntil || state.flight !== undefined) {
          return Effect.succeed(current.token)
        }
        if (!shared) state.pausedUntil = now + renewalTurn
        return Effect.flatMap(launch(app, { not: current.token }), ({ flight }) =>
          flight.goesOn
            ? Effect.succeed(current.token)
            : // whoever began it waits for it
              Effect.orElseSucceed(
                forAWhile(Effect.map(arrival(flight), tokenOf), within, current.token),
                () => current.token
              )
        )
      }),
    renewAhead: (app, within) =>
      Effect.flatMap(wait(app, {}, within), ({ fresh, token }) =>
        fresh ? Effect.succeed(token) : Effect.map(wait(app, { not: token }, within), tokenOf)
      ),
    renew: (app, refused, within) =>
      Effect.suspend(() => {
        const state = stateOf(slotOf(app))
        if (state.current !== undefined && !same(state.current.token.value, refused.value)) {
          return Effect.succeed({ token: state.current.token, fresh: false })
        }
        const first = state.current !== undefined
        state.current = undefined
        const renewal = wait(app, { not: refused, refused: true }, within)
        if (!first) return renewal
        return Effect.andThen(publish({ _tag: "Invalidated", appid: app.appid }), renewal)
      }),
    refresh: (app, within) => Effect.map(wait(app, { fresh: true }, within), tokenOf)
  })
})

/** The service over the store and the transport that are provided. */
export const layer: Layer.Layer<AccessToken, never, TokenCache | Transport> = Layer.effect(AccessToken, make)
