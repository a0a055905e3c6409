/**
 * The contract of `SendLedger` as test cases for any store, with any test runner:
 *
 * ```ts
 * for (const { name, run } of SendLedgerConformance.cases) {
 *   it.live(name, () => Effect.provide(run, myStore))
 * }
 * ```
 *
 * The cases use broadcasts with random names, and most do not remove them. At its end, each compares the counts with the
 * rows. None depends on how fast a store answers.
 */
import * as Effect from "effect/Effect"
import { rowCases } from "./ledger/rows.ts"
import {
  add,
  alike,
  type Case,
  claim,
  claims,
  claimUntilOver,
  found,
  make,
  messageOf,
  sequence,
  settle,
  statesOf,
  ttl,
  unknownOf
} from "./ledger/steps.ts"
import { expect, same } from "./TokenCacheConformance.ts"

export type { Case } from "./ledger/steps.ts"

/** A document or message of more than 64 KB. */
const longText = (about: string) => JSON.stringify({ about, text: "消息 \0 \n 'x' ".repeat(4_000) })

/** The test cases. */
export const cases: ReadonlyArray<Case> = [
  make(
    "a broadcast is made once, and loses nothing when it is made again",
    Effect.fnUntraced(function* (store, name) {
      const other = `${name}2`
      yield* same(yield* store.read(other), undefined, "a broadcast that was not made")
      const made = yield* store.create(other, "first")
      const { counts, created, ...rest } = made
      yield* alike([rest.control, rest.why, rest.loaded, rest.document], ["running", "", 0, "first"], "a new broadcast")
      yield* alike(counts, { new: 0, sending: 0, sent: 0, unknown: 0, refused: {} }, "the counts of a new broadcast")
      yield* add(store, other, "a")
      const [again, read] = [yield* store.create(other, "second"), yield* store.read(other)]
      yield* alike([again.created, again.document, again.counts.new], [created, "first", 1], "the broadcast again")
      yield* alike([read?.created, read?.document, read?.counts.new], [created, "first", 1], "the broadcast read")
    })
  ),
  make(
    "a broadcast's control and document change by comparison",
    Effect.fnUntraced(function* (store, name) {
      yield* same(yield* store.control(name, { from: ["paused"], to: "cancelled", why: "" }), false, "cancel")
      yield* same(yield* store.control(name, { from: ["running"], to: "paused", why: "因为 it's late" }), true, "pause")
      yield* same(
        yield* store.control(name, { from: ["paused", "running"], to: "cancelled", why: "enough" }),
        true,
        "cancel"
      )
      yield* same(yield* store.control(name, { from: ["paused", "running"], to: "running", why: "" }), false, "resume")
      yield* same(yield* store.advance(name, { from: 1, document: "wrong" }), false, "advance from 1")
      const advanced = yield* Effect.forEach(
        ["a", "b", "c"],
        (document) => store.advance(name, { from: 0, document }),
        { concurrency: "unbounded" }
      )
      yield* same(advanced.filter((did) => did).length, 1, "advances from 0 that did")
      yield* same(yield* store.advance(name, { from: 1, document: "d" }), true, "advance from 1")
      const entry = yield* store.read(name)
      yield* alike(
        [entry?.control, entry?.why, entry?.loaded, entry?.document],
        ["cancelled", "enough", 2, "d"],
        "the broadcast"
      )
    })
  ),
  make(
    "all unknown rows are found page by page, with their claims and messages",
    Effect.fnUntraced(function* (store, name) {
      const recipients = sequence(40)
      yield* add(store, name, ...recipients)
      // Live claims, sent and new rows lie between.
      const part = (rest: number) => recipients.filter((_, i) => i % 4 === rest)
      yield* claim(store, name, "live", part(0))
      yield* claim(store, name, "ended", part(1))
      for (const recipient of part(1)) yield* settle(store, name, "ended", "unknown", recipient)
      yield* claimUntilOver(store, name, "over", ...part(2))
      const expected = [...part(1), ...part(2)].sort()
      const all = yield* unknownOf(store, name, 3)
      yield* alike([...all.keys()].sort(), expected, "the rows that are unknown")
      for (const { claim, message, recipient } of all.values()) {
        yield* same(claim, part(1).includes(recipient) ? "ended" : "over", "the claim of an unknown row")
        yield* same(message, messageOf(recipient, claim), "the message of an unknown row")
      }
      const { counts } = (yield* store.read(name))!
      yield* alike([counts.new, counts.sending, counts.unknown], [10, 10, 20], "the counts")
      // Rows get their results while the pages are read.
      const rest = yield* unknownOf(store, name, 3, (rows) =>
        Effect.forEach(rows, ({ claim, recipient }) => settle(store, name, claim, "sent", recipient), { discard: true })
      )
      yield* alike([...rest.keys()].sort(), expected, "the rows that were unknown")
      yield* same((yield* unknownOf(store, name, 3)).size, 0, "rows that are unknown at last")
    })
  ),
  make(
    "a broadcast is in the list until it is removed, with all its rows",
    Effect.fnUntraced(function* (store, name) {
      const other = `${name}2`
      const { created } = yield* store.create(other, "first")
      yield* add(store, other, "a", "b", "c")
      yield* claim(store, other, "x", ["a", "b"])
      yield* settle(store, other, "x", "refused", "a", "no")
      const listed = yield* store.list
      yield* alike(
        [name, other].map((each) => listed.filter((one) => one === each).length),
        [1, 1],
        "each name in the list"
      )
      yield* store.remove(other)
      yield* store.remove(other)
      yield* same((yield* store.list).includes(other), false, "a removed name in the list")
      yield* same((yield* store.list).includes(name), true, "the other name in the list")
      yield* same(yield* store.read(other), undefined, "a removed broadcast")
      yield* alike(yield* add(store, other, "a"), [], "the lines of a removed broadcast")
      yield* settle(store, other, "x", "sent", "b")
      yield* alike(yield* store.rows(other, ["a", "b"]), [undefined, undefined], "the rows of a removed broadcast")
      yield* claims(store, other, "x", "b", "stopped")
      yield* alike(yield* store.unknown(other, { limit: 10 }), { rows: [] }, "the unknown rows of a removed broadcast")
      yield* same(yield* store.control(other, { from: ["running"], to: "paused", why: "" }), false, "pause")
      yield* same(yield* store.advance(other, { from: 0, document: "" }), false, "advance")
      const again = yield* store.create(other, "second")
      yield* expect(again.created !== created, "another `created`", created)
      yield* alike([again.document, again.counts.refused, again.counts.new], ["second", {}, 0], "a new broadcast")
      yield* same(yield* statesOf(store, other, "a", "b", "c"), "none none none", "the rows of a new broadcast")
    })
  ),
  make(
    "names, recipients, claims, messages and reasons are any text",
    Effect.fnUntraced(function* (store, name) {
      const odd = [
        `'"\`\\; DROP TABLE broadcast; --`,
        "a:b::c",
        "}{%s*?[a]",
        "李雷 👩‍👩‍👧 \u{10FFFF}\uFFFD",
        " \n\t ",
        "0",
        "-1",
        "__proto__",
        "o".repeat(512)
      ]
      for (const text of odd) {
        const broadcast = `${text}${name}`
        yield* store.create(broadcast, longText(text))
        yield* add(store, broadcast, "a")
        yield* same((yield* store.list).includes(broadcast), true, "the name in the list")
        yield* same((yield* store.read(broadcast))?.document, longText(text), "the document")
        yield* store.remove(broadcast)
      }
      yield* alike(yield* add(store, name, ...odd), [1, 2, 3, 4, 5, 6, 7, 8, 9], "the lines")
      for (const recipient of odd) {
        const rows = [{ recipient, message: longText(recipient) }]
        yield* same(found(yield* store.claim(name, { claim: recipient, ttl, rows })), "claimed", "claim")
        yield* settle(store, name, recipient, "unknown", recipient)
      }
      const all = yield* unknownOf(store, name, 2)
      yield* alike([...all.keys()].sort(), [...odd].sort(), "the recipients")
      for (const { claim, message: kept, recipient } of all.values()) {
        yield* same(claim, recipient, "the claim")
        yield* same(kept, longText(recipient), "the message")
        const reason = recipient.slice(0, 64)
        yield* settle(store, name, claim, "refused", recipient, reason)
        yield* same((yield* store.rows(name, [recipient]))[0]?.reason, reason, "the reason")
      }
    })
  ),
  make(
    "a thousand rows move in one call, and each reason of a refusal is counted",
    Effect.fnUntraced(function* (store, name) {
      const recipients = sequence(1_000)
      const lines = yield* add(store, name, ...recipients)
      yield* same(lines.length, 1_000, "lines")
      yield* alike([lines[0], lines[999]], [1, 1_000], "the first and the last line")
      const claimed = yield* claim(store, name, "x", recipients)
      yield* same(claimed.filter(({ found }) => found === "claimed").length, 1_000, "rows that are claimed")
      const rows = recipients.map((recipient, i) =>
        i % 4 === 0 ? ({ recipient, to: "sent" } as const) : ({ recipient, to: "refused", reason: `${i % 4}` } as const)
      )
      yield* store.settle(name, { claim: "x", rows })
      yield* store.settle(name, { claim: "x", rows })
      const { counts } = (yield* store.read(name))!
      yield* alike([counts.new, counts.sending, counts.sent, counts.unknown], [0, 0, 250, 0], "the counts")
      yield* alike(
        Object.entries(counts.refused).sort(),
        [1, 2, 3].map((i) => [`${i}`, 250]),
        "the refusals"
      )
    })
  ),
  ...rowCases
]
