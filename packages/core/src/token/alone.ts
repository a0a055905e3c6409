/**
 * T6: life without a store. What is in memory goes on; when there is nothing, this process fetches, within a budget. When the
 * store is back, the newest of the tokens that processes fetched becomes everybody's.
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
import type { Ask, Grant } from "./grant.ts"
import type { Look, Program } from "./program.ts"
import type { Reach } from "./reach.ts"
import { type Fetched, isNeeded, stored, type Token, type Wanted } from "./token.ts"

/** The parts that it works with. */
export interface Parts {
  readonly ask: Ask
  readonly reach: Reach
  readonly settings: Settings
  readonly listeners: Listeners
  /** Where its work in the background runs. */
  readonly scope: Scope.Scope
  /** A name for one taker of leases. */
  readonly newOwner: () => string
}

/** A life without the store. */
export interface Alone {
  /** A token for a caller whom the store failed. */
  readonly obtain: (program: Program, wanted: Wanted, error: TokenCacheError) => Effect.Effect<Fetched, Reason>
  /** Takes a token into use that the store does not have, and sees to it that it will. */
  readonly keep: (program: Program, granted: Grant) => Effect.Effect<Token>
}

// While another call fetches: how often to look for its token (ms).
const pollMillis = 50
// Looks whether the store is back: the first pause, the longest, and for how long the store must agree in the end (ms).
const firstLookMillis = 500
const longestLookMillis = 5_000
const agreedMillis = 15_000
const leaseMillis = 6_000

const always = Effect.succeed(true)

const failed = ({ operation, problem }: TokenCacheError): StoreFailed => new StoreFailed({ operation, problem })

/** Makes one over its parts. */
export const make = (parts: Parts): Alone => {
  const { ask, listeners, scope, settings } = parts

  const keep: Alone["keep"] = (program, granted) => {
    const { asked, lifetime, value } = granted
    const token = program.memory.adopt({ value, origin: { _tag: "Alone" } }, lifetime, lifetime, asked)
    const run = lookFor(parts, program, token, granted)
    if (settings.runs !== "process") {
      program.look = { run, pauseMillis: firstLookMillis, at: asked + firstLookMillis }
      return Effect.succeed(token)
    }
    const looks = Effect.gen(function* () {
      for (let pause = firstLookMillis; ; pause = nextPause(pause)) {
        yield* Effect.sleep(pause)
        if (yield* run(pause)) return
      }
    })
    return Effect.as(Effect.forkIn(looks, scope), token)
  }

  const obtain: Alone["obtain"] = Effect.fnUntraced(function* (program, wanted, error) {
    const { app, budget, memory } = program
    let now = yield* monotonicMillis
    // The token that another call got meanwhile, or is about to get, will do. Where calls share fetches there is none.
    for (; wanted._tag !== "Fresh"; now = yield* monotonicMillis) {
      const present = memory.presentFor(wanted, now)
      if (present !== undefined) return { token: present, fresh: false }
      if (!budget.isFetching(now)) break
      yield* Effect.sleep(pollMillis)
    }
    const refused = memory.refusal(now)
    if (refused !== undefined) return yield* refused
    // A renewal ahead of the end can wait for the store.
    if (!isNeeded(wanted) && memory.usable(now) !== undefined) return yield* failed(error)
    const done = budget.take(now, now + settings.attemptTimeout)
    if (done === undefined) return yield* failed(error)
    let mayHaveMade = false
    const granted = yield* ask(app, always, () => (mayHaveMade = true)).pipe(
      Effect.tapError((reason) => Effect.map(monotonicMillis, (now) => memory.refuse(reason, now))),
      // Of a request that was broken off it is not known whether QQ made a token.
      Effect.onExit((exit) =>
        Effect.sync(() => done(Exit.isFailure(exit) && !mayHaveMade && !Cause.hasInterrupts(exit.cause)))
      )
    )
    yield* listeners.fetched(app.appid, granted!.lifetime, { renewed: false, alone: true })
    return { token: yield* keep(program, granted!), fresh: true }
  })

  return { keep, obtain }
}

const nextPause = (pause: number) => Math.min(longestLookMillis, pause * 2)

/** The looks at the store for one token, until it is everybody's or a newer one is. */
const lookFor = (
  { newOwner, reach }: Parts,
  { key, memory }: Program,
  token: Token,
  { asked, lifetime, value }: Grant
): Look["run"] => {
  const owner = newOwner()
  let current = token
  // Others come back with theirs at about the same time, so it looks on whether one of them was newer.
  let agreed = 0
  const isReplaced = () => memory.current?.token !== current

  const share = Effect.fnUntraced(function* (slot: Slot, fetched: number) {
    const { generation } = slot
    const leased = yield* Effect.orElseSucceed(reach.lease(key, { owner, generation, ttl: leaseMillis }), () => false)
    if (!leased) return
    const now = yield* monotonicMillis
    const ttl = Math.max(1, lifetime - (now - asked))
    const history = Contest.next(Contest.read(slot), fetched)
    const written = yield* reach.write(key, { owner, generation, token: value, ttl, history }).pipe(
      Effect.orElseSucceed(() => undefined),
      Effect.ensuring(reach.release(key, { owner }))
    )
    if (written !== undefined && !isReplaced()) {
      current = memory.adopt(stored(value, written), lifetime, ttl, now)
    }
  })

  return Effect.fnUntraced(function* (millisSinceLast) {
    const now = yield* monotonicMillis
    if (isReplaced() || memory.usable(now) === undefined) return true
    const read = yield* Effect.result(reach.read(key))
    if (read._tag === "Failure") return false
    if (isReplaced()) return true
    const slot = read.success
    // T10: by the store's clock, so that it can be compared. T2: never too late, or it would replace a newer one.
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
        if (origin._tag === "Alone" || origin.generation !== slot.generation) {
          current = memory.find(slot.token!, slot, now)
        }
        agreed += millisSinceLast
        return agreed >= agreedMillis
      }
    }
  })
}

/**
 * The next look of a program, where calls make them: one call looks while others go on. The time of the look after it is set
 * before, since this call may be forgotten by its runtime.
 */
export const lookNow = (program: Program, { at, pauseMillis, run }: Look, now: number): Effect.Effect<void> => {
  const next: Look = { run, pauseMillis: nextPause(pauseMillis), at: now + nextPause(pauseMillis) }
  program.look = next
  return Effect.flatMap(run(now - at + pauseMillis), (isLast) =>
    Effect.sync(() => {
      if (isLast && program.look === next) program.look = undefined
    })
  )
}
