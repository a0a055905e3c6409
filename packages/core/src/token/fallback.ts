/**
 * T6: tokens while the store is unavailable. The process keeps using the token in memory. If there is none, it fetches
 * one, within a budget. When the store is back, the newest of the tokens that the processes fetched is shared through
 * it.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Settings } from "../internal/settings.ts"
import { monotonicMillis } from "../internal/time.ts"
import { type Reason, StoreFailed } from "../reason/client.ts"
import type { Slot, TokenCacheError } from "../TokenCache.ts"
import * as Contest from "./contest.ts"
import { settle } from "./decide.ts"
import type { Listeners } from "./events.ts"
import type { FetchToken, Grant } from "./grant.ts"
import type { GuardedStore } from "./guardedStore.ts"
import type { Program, StoreCheck } from "./program.ts"
import { type Fetched, isNeeded, stored, type Token, type Wanted } from "./token.ts"

/** The services that fetching a token needs, with or without the store. */
export interface Parts {
  readonly fetchToken: FetchToken
  readonly store: GuardedStore
  readonly settings: Settings
  readonly listeners: Listeners
  /** The scope in which background work runs. */
  readonly scope: Scope.Scope
  /** Makes a unique name for an owner of leases. */
  readonly newOwner: () => string
}

/** Handles tokens while the store is unavailable. */
export interface Fallback {
  /** Gets a token without the store, after an operation of the store failed with `error`. */
  readonly obtain: (program: Program, wanted: Wanted, error: TokenCacheError) => Effect.Effect<Fetched, Reason>
  /** Starts using a token that is not in the store, and stores it when the store is back. */
  readonly keep: (program: Program, granted: Grant) => Effect.Effect<Token>
}

// While another call fetches: the pause between polls for its token (ms).
const pollMillis = 50
// Checks whether the store is back: the first pause, the longest pause, and how long the store must hold the same token
// until the checks end (ms).
const firstCheckMillis = 500
const longestCheckPauseMillis = 5_000
const agreedMillis = 15_000
const leaseMillis = 6_000

const always = Effect.succeed(true)

const failed = ({ operation, problem }: TokenCacheError): StoreFailed => new StoreFailed({ operation, problem })

/** Makes {@link Fallback} from its parts. */
export const make = (parts: Parts): Fallback => {
  const { fetchToken, listeners, scope, settings } = parts

  const keep: Fallback["keep"] = (program, granted) => {
    const { asked, lifetime, value } = granted
    const token = program.memory.adopt({ value, origin: { _tag: "Unstored" } }, lifetime, lifetime, asked)
    const run = makeStoreCheck(parts, program, token, granted)
    if (settings.runs !== "process") {
      program.storeCheck = { run, pauseMillis: firstCheckMillis, at: asked + firstCheckMillis }
      return Effect.succeed(token)
    }
    const checks = Effect.gen(function* () {
      for (let pause = firstCheckMillis; ; pause = nextPause(pause)) {
        yield* Effect.sleep(pause)
        if (yield* run(pause)) return
      }
    })
    return Effect.as(Effect.forkIn(checks, scope), token)
  }

  const obtain: Fallback["obtain"] = Effect.fnUntraced(function* (program, wanted, error) {
    const { app, budget, memory } = program
    let now = yield* monotonicMillis
    // Use a token that another call has fetched or is fetching. Only where calls share no fetches can there be one.
    for (; wanted._tag !== "Fresh"; now = yield* monotonicMillis) {
      const present = memory.presentFor(wanted, now)
      if (present !== undefined) return { token: present, fresh: false }
      if (!budget.isFetching(now)) break
      yield* Effect.sleep(pollMillis)
    }
    const refused = memory.refusal(now)
    if (refused !== undefined) return yield* refused
    // A renewal of a valid token can wait until the store is back.
    if (!isNeeded(wanted) && memory.usable(now) !== undefined) return yield* failed(error)
    const done = budget.take(now, now + settings.attemptTimeout)
    if (done === undefined) return yield* failed(error)
    let mayHaveMade = false
    const granted = yield* fetchToken(app, always, () => (mayHaveMade = true)).pipe(
      Effect.tapError((reason) => Effect.map(monotonicMillis, (now) => memory.rememberRefusal(reason, now))),
      // After an interruption it is unknown whether QQ issued a token.
      Effect.onExit((exit) =>
        Effect.sync(() => done(Exit.isFailure(exit) && !mayHaveMade && !Cause.hasInterrupts(exit.cause)))
      )
    )
    yield* listeners.fetched(app.appid, granted!.lifetime, { renewed: false, unstored: true })
    return { token: yield* keep(program, granted!), fresh: true }
  })

  return { keep, obtain }
}

const nextPause = (pause: number) => Math.min(longestCheckPauseMillis, pause * 2)

/**
 * Makes the check of the store for one token. It is repeated until this token or a newer one is shared in the store.
 */
const makeStoreCheck = (
  { newOwner, store }: Parts,
  { key, memory }: Program,
  token: Token,
  { asked, lifetime, value }: Grant
): StoreCheck["run"] => {
  const owner = newOwner()
  let current = token
  // Other processes store their tokens at about the same time. So the checks go on, in case one of them is newer.
  let agreed = 0
  const isReplaced = () => memory.current?.token !== current

  const share = Effect.fnUntraced(function* (slot: Slot, fetched: number) {
    const { generation } = slot
    const leased = yield* Effect.orElseSucceed(store.lease(key, { owner, generation, ttl: leaseMillis }), () => false)
    if (!leased) return
    const now = yield* monotonicMillis
    const ttl = Math.max(1, lifetime - (now - asked))
    const history = Contest.next(Contest.read(slot), fetched)
    const written = yield* store.write(key, { owner, generation, token: value, ttl, history }).pipe(
      Effect.orElseSucceed(() => undefined),
      Effect.ensuring(store.release(key, { owner }))
    )
    if (written !== undefined && !isReplaced()) {
      current = memory.adopt(stored(value, written), lifetime, ttl, now)
    }
  })

  return Effect.fnUntraced(function* (millisSinceLast) {
    const now = yield* monotonicMillis
    if (isReplaced() || memory.usable(now) === undefined) return true
    const read = yield* Effect.result(store.read(key))
    if (read._tag === "Failure") return false
    if (isReplaced()) return true
    const slot = read.success
    // The time of the fetch. T10: by the store's clock, so that it can be compared. T2: an error must only make it
    // earlier, since with a later time the token could replace a newer one.
    const fetched = slot.now - ((yield* monotonicMillis) - asked)
    switch (settle(slot, { value, current, fetched })) {
      case "Over":
      case "Leave":
        return true
      case "Share":
        yield* share(slot, fetched)
        return false
      case "Follow": {
        const { origin } = current
        if (origin._tag === "Unstored" || origin.generation !== slot.generation) {
          current = memory.adoptSlot(slot.token!, slot, now)
        }
        agreed += millisSinceLast
        return agreed >= agreedMillis
      }
    }
  })
}

/**
 * Makes the next check of a program's store, where calls make the checks: one call checks while others go on. It
 * schedules the following check first, because the runtime may drop this call.
 */
export const runStoreCheck = (
  program: Program,
  { at, pauseMillis, run }: StoreCheck,
  now: number
): Effect.Effect<void> => {
  const next: StoreCheck = { run, pauseMillis: nextPause(pauseMillis), at: now + nextPause(pauseMillis) }
  program.storeCheck = next
  return Effect.flatMap(run(now - at + pauseMillis), (isLast) =>
    Effect.sync(() => {
      if (isLast && program.storeCheck === next) program.storeCheck = undefined
    })
  )
}
