/** The contract of `SendLedger` for rows: how they are added, claimed and settled. */
import * as Effect from "effect/Effect"
import { expect, same } from "../TokenCacheConformance.ts"
import {
  add,
  alike,
  type Case,
  claim,
  claims,
  claimUntilOver,
  found,
  make,
  sequence,
  settle,
  statesOf,
  ttl
} from "./steps.ts"

/** The test cases. */
export const rowCases: ReadonlyArray<Case> = [
  make(
    "a recipient has one row, whoever adds it",
    Effect.fnUntraced(function* (store, name) {
      yield* alike(yield* add(store, name, "a", "b", "a"), [1, 2, 1], "the lines, with a duplicate")
      yield* alike(yield* add(store, name, "c", "a", "b", "d"), [1, 1, 2, 4], "the lines, with rows from before")
      yield* Effect.forEach([1, 2, 3, 4], () => add(store, name, "e", "f"), { concurrency: "unbounded" })
      yield* claims(store, name, "x", "a", "claimed")
      yield* settle(store, name, "x", "refused", "a", "blocked")
      yield* alike(yield* add(store, name, "a"), [1], "the line of a row with a result")
      yield* alike(
        yield* store.rows(name, ["nobody", "a", "d", "a"]),
        [
          undefined,
          { line: 1, state: "refused", reason: "blocked" },
          { line: 4, state: "new", reason: "" },
          { line: 1, state: "refused", reason: "blocked" }
        ],
        "the rows"
      )
      yield* same((yield* store.read(name))?.counts.new, 5, "the rows that are new")
    })
  ),
  make(
    "a row is claimed by one of many, and by nobody once it has a result",
    Effect.fnUntraced(function* (store, name) {
      const recipients = sequence(20)
      yield* add(store, name, ...recipients)
      const claimers = ["a", "b", "c", "d", "e"]
      const all = yield* Effect.forEach(claimers, (by) => claim(store, name, by, recipients), {
        concurrency: "unbounded"
      })
      for (const [i, recipient] of recipients.entries()) {
        const one = found(all.map((claimed) => claimed[i]!))
        yield* same(one.split(" ").sort().join(" "), "busy busy busy busy claimed", `claims of ${recipient}`)
        const winner = claimers[one.split(" ").indexOf("claimed")]!
        const [busy] = yield* claim(store, name, "f", [recipient])
        yield* expect(busy?.found === "busy" && busy.wait > 0 && busy.wait <= ttl, "busy, and how long", busy)
        yield* claims(store, name, winner, recipient, "claimed")
        yield* settle(store, name, "f", "sent", recipient)
        yield* same(yield* statesOf(store, name, recipient), "sending", "a row that another claim settles")
        yield* settle(store, name, winner, i % 2 === 0 ? "sent" : "refused", recipient, i % 2 === 0 ? undefined : "no")
        for (const by of claimers) yield* claims(store, name, by, recipient, "done")
        yield* claims(store, name, "g", recipient, "done", { instead: winner })
        yield* settle(store, name, winner, "unknown", recipient)
      }
      yield* claims(store, name, "a", "nobody", "done")
      const counts = (yield* store.read(name))!.counts
      yield* alike([counts.sent, counts.refused], [10, { no: 10 }], "the results")
    })
  ),
  make(
    "a row that is new again may be claimed again, by anybody",
    Effect.fnUntraced(function* (store, name) {
      yield* add(store, name, "a", "b")
      yield* claim(store, name, "x", ["a", "b"])
      yield* settle(store, name, "x", "new", "a")
      yield* same(yield* statesOf(store, name, "a", "b"), "new sending", "the states")
      yield* claims(store, name, "y", "a", "claimed")
      // The first claim is over, and changes nothing any more.
      yield* settle(store, name, "x", "new", "a")
      yield* settle(store, name, "x", "sent", "a")
      yield* claims(store, name, "x", "a", "busy")
      yield* settle(store, name, "y", "new", "a")
      yield* claims(store, name, "x", "a", "claimed")
    })
  ),
  make(
    "a claim that ends without a result makes the row unknown, and it is not claimed again",
    Effect.fnUntraced(function* (store, name) {
      yield* add(store, name, "a", "b", "c")
      yield* claimUntilOver(store, name, "x", "a", "b", "c")
      for (const by of ["y", "x"]) yield* same(found(yield* claim(store, name, by, ["a", "b"])), "done done", by)
      yield* same(yield* statesOf(store, name, "a", "b"), "unknown unknown", "the states")
      yield* settle(store, name, "y", "sent", "a")
      yield* settle(store, name, "x", "new", "a")
      yield* same(yield* statesOf(store, name, "a"), "unknown", "a row that is unknown")
      // The results came late.
      yield* settle(store, name, "x", "sent", "a")
      yield* settle(store, name, "x", "refused", "b", "late")
      // Nobody has found out that the claim is over.
      yield* settle(store, name, "x", "sent", "c")
      yield* same(yield* statesOf(store, name, "a", "b", "c"), "sent refused sent", "the states at last")
      yield* settle(store, name, "x", "unknown", "a")
      yield* same(yield* statesOf(store, name, "a"), "sent", "a row that was sent")
    })
  ),
  make(
    "an unknown row is claimed instead of the claim that left it, once",
    Effect.fnUntraced(function* (store, name) {
      yield* add(store, name, "a", "b", "c")
      yield* claims(store, name, "x", "a", "claimed")
      yield* claims(store, name, "y", "a", "busy", { instead: "x" })
      yield* settle(store, name, "x", "unknown", "a")
      yield* claims(store, name, "y", "a", "done", { instead: "z" })
      yield* claims(store, name, "y", "a", "done")
      yield* claims(store, name, "y", "a", "claimed", { instead: "x" })
      yield* claims(store, name, "y", "a", "claimed", { instead: "x" })
      yield* claims(store, name, "z", "a", "busy", { instead: "x" })
      yield* settle(store, name, "x", "sent", "a")
      yield* same(yield* statesOf(store, name, "a"), "sending", "a row of the second claim")
      yield* settle(store, name, "y", "unknown", "a")
      yield* claims(store, name, "z", "a", "done", { instead: "x" })
      yield* settle(store, name, "y", "sent", "a")
      // Nobody has found out that the claim is over.
      yield* claimUntilOver(store, name, "x", "b", "c")
      yield* claims(store, name, "y", "c", "claimed", { instead: "x" })
      // The same claim may go on. It has its whole time again.
      yield* claims(store, name, "x", "b", "claimed", { instead: "x" })
      yield* claims(store, name, "z", "b", "busy")
      yield* same(yield* statesOf(store, name, "a", "b", "c"), "sent sending sending", "the states")
    })
  ),
  make(
    "nothing is claimed unless the broadcast is running, but results are written",
    Effect.fnUntraced(function* (store, name) {
      yield* add(store, name, "a", "b", "c")
      yield* claim(store, name, "x", ["a", "b"])
      yield* store.control(name, { from: ["running"], to: "paused", why: "" })
      yield* same(found(yield* claim(store, name, "x", ["a", "c"])), "stopped stopped", "claims while paused")
      yield* settle(store, name, "x", "sent", "a")
      yield* store.control(name, { from: ["paused"], to: "running", why: "" })
      yield* claims(store, name, "y", "c", "claimed")
      yield* store.control(name, { from: ["running"], to: "cancelled", why: "" })
      yield* claims(store, name, "y", "b", "stopped")
      yield* settle(store, name, "x", "new", "b")
      yield* same(yield* statesOf(store, name, "a", "b", "c"), "sent new sending", "the states")
    })
  )
]
