/**
 * Proves that the simulation bites: each mutant breaks one law in one place of the source, and is to be found.
 * `node test/src/simulation/killMutants.ts` runs schedules against each of them until one fails.
 */
export interface Mutant {
  readonly name: string
  /** The law that it breaks. */
  readonly law: string
  /** Where, below `packages/core/src`. The text stands there once. */
  readonly file: string
  readonly search: string
  readonly replace: string
}

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "the lease is not checked before a request leaves",
    law: "T1",
    file: "token/grant.ts",
    search: "if (!(yield* holdsLease)) return undefined",
    replace: ""
  },
  {
    name: "the lease is not extended",
    law: "T1",
    file: "token/lease.ts",
    search: "const extendEveryMillis = 2_000",
    replace: "const extendEveryMillis = 60_000"
  },
  {
    name: "the lease is given while another's is running",
    law: "T1",
    file: "TokenCache.ts",
    search: "|| (document.leased > now && document.owner !== owner)",
    replace: ""
  },
  {
    name: "a token is renewed in the middle of its life",
    law: "T1",
    file: "token/token.ts",
    search: "Math.min(300_000, lifetime / 10)",
    replace: "lifetime / 2"
  },
  {
    name: "a token of the store is not used",
    law: "T1",
    file: "token/decide.ts",
    search: "if (isUsable(slot) && slot.generation !== excluded) {",
    replace: "if (isUsable(slot) && slot.generation !== excluded && present !== undefined) {"
  },
  {
    name: "a write does not look at the generation",
    law: "T2",
    file: "TokenCache.ts",
    search: "if (document.generation !== generation || document.owner !== owner) return [undefined]",
    replace: ""
  },
  {
    name: "a write does not raise the generation",
    law: "T2",
    file: "TokenCache.ts",
    search: "const next = Math.max(generation + 1, now)",
    replace: "const next = generation === 0 ? now : generation"
  },
  {
    name: "a token that was fetched alone replaces a newer one",
    law: "T2",
    file: "token/decide.ts",
    search: "same(slot.token, value) || isNewerThere)",
    replace: "same(slot.token, value))"
  },
  {
    name: "a token that was fetched alone is shared although a newer one has died",
    law: "T2",
    file: "token/decide.ts",
    search: 'if (isNewerThere && slot.token === undefined) return "Over"',
    replace: ""
  },
  {
    name: "when a token was fetched is told from the time of its lease",
    law: "T2",
    file: "token/lease.ts",
    search: "readAt: asked, takenAt",
    replace: "readAt: yield* monotonicMillis, takenAt"
  },
  {
    name: "a removal does not compare",
    law: "T3",
    file: "TokenCache.ts",
    search: 'document.generation !== generation || document.token === ""',
    replace: 'document.token === ""'
  },
  {
    name: "a token is removed that was not refused",
    law: "T3",
    file: "token/decide.ts",
    search: 'wanted._tag === "Instead" && wanted.refused && slot.token !== undefined && slot.generation === excluded',
    replace: "slot.token !== undefined"
  },
  {
    name: "a call refused for its token is not repeated",
    law: "T4",
    file: "call/progress.ts",
    search: "renewals = 2",
    replace: "renewals = 0"
  },
  {
    name: "a refused token will do when another caller's fetch brings it",
    law: "T4",
    file: "token/flight.ts",
    search: '(fresh && (wanted._tag === "Fresh" || !joined))',
    replace: "fresh"
  },
  {
    name: "a wrong secret is tried again at once",
    law: "T5",
    file: "token/memory.ts",
    search: "this.#refused = { reason, until: now + millis }",
    replace: "this.#refused = { reason, until: now }"
  },
  {
    name: "fetches without the store know no budget",
    law: "T6",
    file: "token/budget.ts",
    search: "if (this.#fetchedAt.length >= maxFetches) return undefined",
    replace: ""
  },
  {
    name: "a token that was fetched alone stays nobody else's",
    law: "T6",
    file: "token/decide.ts",
    search: 'return follows ? "Leave" : "Share"',
    replace: 'return "Leave"'
  },
  {
    name: "the store is asked without a pause",
    law: "T6",
    file: "token/lease.ts",
    search: "yield* Effect.sleep(pause)\n",
    replace: "yield* Effect.yieldNow\n"
  },
  {
    name: "the store is looked for without a pause",
    law: "T6",
    file: "token/fallback.ts",
    search: "        yield* Effect.sleep(pause)\n        if",
    replace: "        yield* Effect.yieldNow\n        if"
  },
  {
    name: "a fight over the token is not noticed",
    law: "T7",
    file: "token/contest.ts",
    search: "wait: isPaused ? Math.max(0, pauseMillis - age) : 0",
    replace: "wait: 0"
  },
  {
    name: "the lease of one that died lasts a minute",
    law: "T9",
    file: "token/lease.ts",
    search: "const leaseMillis = 6_000",
    replace: "const leaseMillis = 60_000"
  },
  {
    name: "one caller that is interrupted ends the fetch of all",
    law: "T9",
    file: "token/flight.ts",
    search: "if (--flight.waiting > 0 || flight.fiber === undefined) return Effect.void",
    replace: "flight.waiting--\n            if (flight.fiber === undefined) return Effect.void"
  },
  {
    name: "a caller joins a fetch that is being interrupted",
    law: "T9",
    file: "token/flight.ts",
    search: "program.flight === undefined || program.flight.isEnding",
    replace: "program.flight === undefined"
  },
  {
    name: "the fetch of a process ends with its first caller",
    law: "T9",
    file: "token/flight.ts",
    search: "? Deferred.await(flight.done)\n",
    replace: "? Effect.onInterrupt(Deferred.await(flight.done), () => Fiber.interrupt(flight.fiber!))\n"
  },
  {
    name: "times are those of the wall clock",
    law: "T10",
    file: "internal/time.ts",
    search: "Number(clock.monotonicTimeNanosUnsafe()) / 1e6",
    replace: "clock.currentTimeMillisUnsafe()"
  },
  {
    name: "when a token was fetched is told by the holder's clock",
    law: "T10",
    file: "token/lease.ts",
    search: "slot.now + (asked - readAt)",
    replace: "asked"
  },
  {
    name: "a place ends before its request came",
    law: "Q1",
    file: "call/admission.ts",
    search: "ttl: () => call.millisLeft + lateMillis",
    replace: "ttl: () => 0"
  },
  {
    name: "a place whose call got lost is free again",
    law: "Q1",
    file: "call/place.ts",
    search: 'if (phase === "lost") return undefined',
    replace: 'if (phase === "lost") return Effect.ignore(this.#quota.release(end))'
  },
  {
    name: "a place counts for less than the window",
    law: "Q1",
    file: "quota/windows.ts",
    search: "const slotsHeld = slotsInWindow + 1",
    replace: "const slotsHeld = slotsInWindow - 9"
  },
  {
    name: "one more than the limit is let through",
    law: "Q1",
    file: "quota/windows.ts",
    search: "while (this.used(slot, present) >= this.max) slot++",
    replace: "while (this.used(slot, present) > this.max) slot++"
  },
  {
    name: "a send that got lost is repeated",
    law: "D1",
    file: "Retry.ts",
    search: 'repeat === "yes" || (repeat === "by-delivery" && delivery !== "once")',
    replace: 'repeat !== "never"'
  },
  {
    name: "a send may be doubled on its way",
    law: "D1",
    file: "call/request.ts",
    search: 'atMostOnce: endpoint.delivery !== "repeatable"',
    replace: "atMostOnce: false"
  },
  {
    name: "a request that got lost counts as unsent",
    law: "D1",
    file: "call/attempt.ts",
    search: "  phase,\n",
    replace: '  phase: "unsent",\n'
  },
  {
    name: "a send that got lost counts as a failure",
    law: "D2",
    file: "Retry.ts",
    search: 'delivery === "repeatable" || !(phase === "lost" || lostBefore)',
    replace: "true"
  },
  {
    name: "a send that got lost counts as done",
    law: "D2",
    file: "Retry.ts",
    search: "new OutcomeUnknown({ because: reason })",
    replace: "reason"
  },
  {
    name: "waiting for a token knows no deadline",
    law: "D3",
    file: "token/flight.ts",
    search: "duration: Math.max(0, within),",
    replace: "duration: Math.max(0, within) + 30_000,"
  }
]
