/**
 * Gets a token through the store: reads the slot, decides, and executes the decision, until there is a token. Fetches
 * happen under a lease.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { monotonicMillis } from "../internal/time.ts"
import { type Reason, TimedOut, type TokenContested } from "../reason/client.ts"
import type { Key, Slot } from "../TokenCache.ts"
import * as Contest from "./contest.ts"
import { decide, excludedGeneration, isRefused } from "./decide.ts"
import type { Fallback, Parts } from "./fallback.ts"
import type { Grant } from "./grant.ts"
import type { GuardedStore } from "./guardedStore.ts"
import type { Program } from "./program.ts"
import { type Fetched, isNeeded, stored, type Token, type Wanted } from "./token.ts"

// The TTL of a lease, and how often a live holder extends it (ms).
const leaseMillis = 6_000
const extendEveryMillis = 2_000
// While another holder fetches: the first and the longest pause between polls. The third is for stores that notify
// (ms).
const firstPollMillis = 50
const longestPollMillis = 1_000
const watchedPollMillis = 2_000

/** A lease that this holder has taken. */
interface Lease {
  readonly key: Key
  readonly slot: Slot
  readonly owner: string
  /** The monotonic time before the slot was read. */
  readonly readAt: number
  /** The monotonic time before the lease was taken. */
  readonly takenAt: number
}

/** Gets a token that satisfies `wanted`: one that another holder fetched, or a new one. */
export type Obtain = (program: Program, wanted: Wanted) => Effect.Effect<Fetched, Reason>

/** Makes {@link Obtain} from its parts. */
export const make = (parts: Parts, fallback: Fallback): Obtain => {
  const { newOwner, settings, store } = parts
  const tooLate = new TimedOut({ during: "token", limit: settings.deadline })
  return Effect.fnUntraced(function* (program, wanted): Effect.fn.Return<Fetched, Reason, Scope.Scope> {
    const { key, memory } = program
    const owner = newOwner()
    const deadline = (yield* monotonicMillis) + settings.deadline
    const wait = makeWait(store, key)
    let excluded: number | undefined
    let granted: Grant | undefined
    const keepGranted = (granted: Grant) =>
      Effect.map(fallback.keep(program, granted), (token): Fetched => ({ token, fresh: true }))
    for (;;) {
      const asked = yield* monotonicMillis
      const read = yield* Effect.result(store.read(key))
      if (read._tag === "Failure") {
        if (read.failure.config !== undefined) return yield* read.failure.config
        return yield* granted === undefined ? fallback.obtain(program, wanted, read.failure) : keepGranted(granted)
      }
      const slot = read.success
      const now = yield* monotonicMillis
      excluded = excludedGeneration(slot, wanted, excluded)
      // T3
      if (isRefused({ slot, wanted, excluded })) {
        yield* Effect.ignore(store.remove(key, { generation: slot.generation }))
      }
      const decision = decide({
        slot,
        wanted,
        excluded,
        present: memory.presentFor(wanted, now),
        granted: granted?.value,
        failed: now < deadline ? memory.refusal(now) : tooLate
      })
      switch (decision._tag) {
        case "Use":
          return { token: memory.adoptSlot(decision.value, slot, asked), fresh: decision.fresh }
        case "Keep":
          return { token: decision.token, fresh: false }
        case "KeepGranted":
          return yield* keepGranted(granted!)
        case "Fail":
          return yield* decision.reason
        case "Stop":
          return yield* yield* contested(parts, program, slot, decision.verdict)
        case "Wait":
          yield* wait(slot)
          continue
        case "Fetch": {
          const { history } = decision
          const takenAt = yield* monotonicMillis
          const leased = yield* Effect.result(
            store.lease(key, { owner, generation: slot.generation, ttl: leaseMillis })
          )
          if (leased._tag === "Failure") return yield* fallback.obtain(program, wanted, leased.failure)
          if (!leased.success) {
            yield* wait(slot)
            continue
          }
          const onGranted = (given: Grant) => void (granted = given)
          const token = yield* fetchLeased(
            parts,
            fallback,
            program,
            wanted,
            { key, slot, owner, readAt: asked, takenAt },
            history,
            onGranted
          )
          if (token !== undefined) return { token, fresh: true }
          // T2: this fetch was late, and another holder stored a newer token. Read the slot again to use that one.
        }
      }
    }
  }, Effect.scoped)
}

/** Makes an effect that waits until the slot may have changed. */
const makeWait = (store: GuardedStore, key: Key): ((slot: Slot) => Effect.Effect<void, never, Scope.Scope>) => {
  let pause = firstPollMillis
  let changed: Effect.Effect<void> | undefined
  return Effect.fnUntraced(function* ({ leasedFor }) {
    if (changed !== undefined) {
      const millis = Math.min(watchedPollMillis, Math.max(firstPollMillis, leasedFor))
      return yield* Effect.raceFirst(changed, Effect.sleep(millis))
    }
    if (store.watch === undefined) {
      yield* Effect.sleep(pause)
      pause = Math.min(longestPollMillis, pause * 2)
      return
    }
    // Return without a pause: the slot may have changed before the watch began.
    changed = yield* Effect.orElseSucceed(store.watch(key), () => Effect.never)
  })
}

/** T7: the error reason for a verdict. It is logged and published once, not for each call. */
const contested = Effect.fnUntraced(function* (
  { listeners }: Parts,
  { app, budget, memory }: Program,
  slot: Slot,
  verdict: Contest.Verdict
): Effect.fn.Return<TokenContested> {
  const reason = Contest.reasonOf(verdict, slot.now, budget.spent(yield* monotonicMillis))
  if (memory.lastRefusal?._tag !== "TokenContested") {
    yield* Effect.logWarning(`${app.appid}: ${reason.message}`)
    yield* listeners.publish({ _tag: "Contested", appid: app.appid, reason })
  }
  return reason
})

/** Fetches under a lease and releases it. Returns `undefined` if the lease was lost to another holder. */
const fetchLeased = Effect.fnUntraced(function* (
  parts: Parts,
  fallback: Fallback,
  program: Program,
  wanted: Wanted,
  lease: Lease,
  history: Contest.History,
  onGranted: (granted: Grant) => void
): Effect.fn.Return<Token | undefined, Reason> {
  const { memory } = program
  const { key, owner } = lease
  const now = yield* monotonicMillis
  // QQ may have refused another call of this process while this one waited for the lease.
  const refused = memory.refusal(now)
  if (refused !== undefined) {
    yield* parts.store.release(key, { owner })
    return yield* refused
  }
  const renewed = !isNeeded(wanted) && memory.usable(now) !== undefined
  // Calls still work, but another deployment seems to fetch tokens too.
  if (wanted._tag !== "Fresh" && Contest.isReported(history)) {
    yield* contested(parts, program, lease.slot, { history, wait: 0 })
  }
  const { holdsLease, lost } = keepLease(parts.store, lease)
  return yield* Effect.ensuring(
    Effect.raceFirst(
      // T5: remember a refusal before the lease is released, so that no other call of this process repeats the request.
      Effect.tapError(
        fetchAndStore(parts, fallback, program, lease, { history, renewed, holdsLease, onGranted }),
        (reason) => Effect.map(monotonicMillis, (now) => memory.rememberRefusal(reason, now))
      ),
      lost
    ),
    parts.store.release(key, { owner })
  )
})

/** T1, T9: a live holder extends its lease. */
const keepLease = (store: GuardedStore, { key, owner, slot, takenAt }: Lease) => {
  let extendedAt = takenAt
  const lease = { owner, generation: slot.generation, ttl: leaseMillis }
  // Returns `false` if another holder has the lease or a newer token is stored, for example after this process was
  // frozen.
  const extend = Effect.flatMap(monotonicMillis, (before) =>
    Effect.tap(store.extend(key, lease), () => Effect.sync(() => (extendedAt = before)))
  )
  /** Whether this holder still has the lease. If the store does not answer, the lease is valid until its TTL. */
  const holdsLease: Effect.Effect<boolean> = Effect.catch(extend, () =>
    Effect.map(monotonicMillis, (now) => now - extendedAt < leaseMillis)
  )
  /** Completes when the lease is lost. If the store does not answer, a request in flight continues. */
  const lost: Effect.Effect<undefined> = Effect.flatMap(
    Effect.delay(
      Effect.orElseSucceed(extend, () => true),
      extendEveryMillis
    ),
    (held) => (held ? lost : Effect.succeed(undefined))
  )
  return { holdsLease, lost }
}

/** Fetches and stores a token. Returns `undefined` if the lease was lost, or if another holder has stored a token. */
const fetchAndStore = Effect.fnUntraced(function* (
  { fetchToken, listeners, store }: Parts,
  fallback: Fallback,
  program: Program,
  { key, owner, readAt, slot }: Lease,
  options: {
    readonly history: Contest.History
    readonly renewed: boolean
    readonly holdsLease: Effect.Effect<boolean>
    readonly onGranted: (granted: Grant) => void
  }
): Effect.fn.Return<Token | undefined, Reason> {
  const { app, memory } = program
  const granted = yield* fetchToken(app, options.holdsLease)
  if (granted === undefined) return undefined
  options.onGranted(granted)
  const { asked, lifetime, value } = granted
  const now = yield* monotonicMillis
  const ttl = Math.max(1, lifetime - (now - asked))
  // The time of the fetch. T10: by the store's clock. T2: an error must only make it later, since with an earlier time
  // an older token could replace this one.
  const history = Contest.next(options.history, slot.now + (asked - readAt))
  const { generation } = slot
  const written = yield* Effect.result(store.write(key, { owner, generation, token: value, ttl, history }))
  if (written._tag === "Success" && written.success === undefined) return undefined
  const isUnstored = written._tag === "Failure"
  yield* listeners.fetched(app.appid, ttl, { renewed: options.renewed, unstored: isUnstored })
  // A token is valid even if it can't be stored.
  return isUnstored
    ? yield* fallback.keep(program, granted)
    : memory.adopt(stored(value, written.success!), ttl, ttl, now)
})
