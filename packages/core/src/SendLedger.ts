/**
 * The ledger of broadcasts: the interface of stores that remember what became of every recipient, and a store in memory.
 *
 * A row is one recipient of one broadcast. It moves only forwards:
 *
 * ```
 * new ─▶ sending ─▶ sent | refused | unknown
 *  ▲        │
 *  └────────┘  certainly nothing was sent
 * ```
 *
 * B1: a row is `sending` before its request leaves. A claim that ended without a result is `unknown`: nobody can say whether
 * its message was sent, so only the operator may send it again. The holder of the claim may still write the result that
 * came late. Every operation is atomic for each row, and times are those of the store's own clock.
 * `@qq-mini/core/testing/SendLedgerConformance` tests a store against this contract.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { monotonicMillis } from "./internal/time.ts"
import { addRow, claimRow, entryOf, type MemoryBroadcast, settleRow, unknownRows } from "./ledger/memory.ts"
import type { Claimed, Claiming, Control, Entry, Row, Settled, Unknown } from "./ledger/types.ts"

export {
  /** The counts of a broadcast, from the number of rows in each state. */
  countsOf
} from "./ledger/memory.ts"
export type { Claimed, Claiming, Control, Counts, Entry, Row, Settled, State, Unknown } from "./ledger/types.ts"

/** The error of a store. `problem` contains no secret. */
export class SendLedgerError extends Data.TaggedError("SendLedgerError")<{
  readonly operation: keyof SendLedger["Service"]
  readonly problem: string
}> {
  override get message(): string {
    return `SendLedger.${this.operation}: ${this.problem}`
  }
}

/** The service that a store implements. All durations are milliseconds. */
export class SendLedger extends Context.Service<
  SendLedger,
  {
    /** Makes a broadcast that is running, or returns the one that exists. `document` is for a new one. */
    readonly create: (broadcast: string, document: string) => Effect.Effect<Entry, SendLedgerError>
    /** Reads a broadcast. */
    readonly read: (broadcast: string) => Effect.Effect<Entry | undefined, SendLedgerError>
    /**
     * Changes a broadcast's control to `to`, if it is one of `from`. Returns whether it did. Claims that were made before
     * are not affected.
     */
    readonly control: (
      broadcast: string,
      options: { readonly from: ReadonlyArray<Control>; readonly to: Control; readonly why: string }
    ) => Effect.Effect<boolean, SendLedgerError>
    /**
     * Adds rows that are `new`. A recipient that has a row already keeps it. Returns the line that each recipient's row
     * has now: another line than its own shows a duplicate.
     */
    readonly add: (
      broadcast: string,
      rows: ReadonlyArray<{ readonly recipient: string; readonly line: number }>
    ) => Effect.Effect<ReadonlyArray<number>, SendLedgerError>
    /** Counts one more loaded chunk and replaces the document, if `loaded` is still `from`. Returns whether it did. */
    readonly advance: (
      broadcast: string,
      options: { readonly from: number; readonly document: string }
    ) => Effect.Effect<boolean, SendLedgerError>
    /** Reads rows, in the order of `recipients`. */
    readonly rows: (
      broadcast: string,
      recipients: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyArray<Row | undefined>, SendLedgerError>
    /**
     * Claims rows for `ttl`. A row that is `sending` under another claim whose time is over becomes `unknown`. To claim
     * again with the same claim gives `claimed`, because the answer to the first time may be lost.
     */
    readonly claim: (
      broadcast: string,
      options: { readonly claim: string; readonly ttl: number; readonly rows: ReadonlyArray<Claiming> }
    ) => Effect.Effect<ReadonlyArray<Claimed>, SendLedgerError>
    /**
     * Writes results, where the row is `sending` or `unknown` under this claim. An `unknown` row does not become `new`.
     * All other rows stay as they are.
     */
    readonly settle: (
      broadcast: string,
      options: { readonly claim: string; readonly rows: ReadonlyArray<Settled> }
    ) => Effect.Effect<void, SendLedgerError>
    /**
     * A page of about `limit` rows that are `unknown`. Rows whose claim is over are made `unknown` first. `next` is the
     * `cursor` of the next page, and is missing from the last one. A row may be on several pages.
     */
    readonly unknown: (
      broadcast: string,
      options: { readonly cursor?: string | undefined; readonly limit: number }
    ) => Effect.Effect<{ readonly rows: ReadonlyArray<Unknown>; readonly next?: string | undefined }, SendLedgerError>
    /** The names of all broadcasts. */
    readonly list: Effect.Effect<ReadonlyArray<string>, SendLedgerError>
    /** Removes a broadcast with all its rows. */
    readonly remove: (broadcast: string) => Effect.Effect<void, SendLedgerError>
  }
>()("@qq-mini/core/SendLedger") {}

/** Makes a ledger in the memory of this process. */
export const makeMemory: Effect.Effect<SendLedger["Service"]> = /* @__PURE__ */ Effect.sync(() => {
  const broadcasts = new Map<string, MemoryBroadcast>()
  let made = 0
  const create = (name: string, document: string): MemoryBroadcast => {
    const created = String(++made)
    const broadcast: MemoryBroadcast = {
      created,
      control: "running",
      why: "",
      loaded: 0,
      document,
      rows: new Map(),
      counts: new Map()
    }
    broadcasts.set(name, broadcast)
    return broadcast
  }
  /** What a broadcast gives; `none` if it does not exist. */
  const of = <A>(name: string, none: A, get: (broadcast: MemoryBroadcast, now: number) => A): Effect.Effect<A> =>
    Effect.map(monotonicMillis, (now) => {
      const broadcast = broadcasts.get(name)
      return broadcast === undefined ? none : get(broadcast, now)
    })

  return SendLedger.of({
    create: (name, document) => Effect.sync(() => entryOf(broadcasts.get(name) ?? create(name, document))),
    read: (name) => of<Entry | undefined>(name, undefined, entryOf),
    control: (name, { from, to, why }) =>
      of(name, false, (broadcast) => {
        if (!from.includes(broadcast.control)) return false
        Object.assign(broadcast, { control: to, why })
        return true
      }),
    add: (name, rows) => of<ReadonlyArray<number>>(name, [], (broadcast) => rows.map((row) => addRow(broadcast, row))),
    advance: (name, { document, from }) =>
      of(name, false, (broadcast) => {
        if (broadcast.loaded !== from) return false
        Object.assign(broadcast, { loaded: from + 1, document })
        return true
      }),
    rows: (name, recipients) =>
      of<ReadonlyArray<Row | undefined>>(
        name,
        recipients.map(() => undefined),
        ({ rows }) =>
          recipients.map((recipient) => {
            const row = rows.get(recipient)
            return row && { line: row.line, state: row.state, reason: row.reason }
          })
      ),
    claim: (name, { claim, rows, ttl }) =>
      of<ReadonlyArray<Claimed>>(
        name,
        rows.map(() => ({ found: "stopped" })),
        (broadcast, now) => rows.map((row) => claimRow(broadcast, row, { claim, now, ttl }))
      ),
    settle: (name, { claim, rows }) =>
      of(name, undefined, (broadcast) => {
        for (const row of rows) settleRow(broadcast, claim, row)
      }),
    unknown: (name, { cursor = "", limit }) =>
      of<{ readonly rows: ReadonlyArray<Unknown>; readonly next?: string | undefined }>(
        name,
        { rows: [] },
        (broadcast, now) => unknownRows(broadcast, { cursor, limit, now })
      ),
    list: Effect.sync(() => [...broadcasts.keys()]),
    remove: (name) => Effect.sync(() => void broadcasts.delete(name))
  })
})

/** The ledger in memory: it knows what this process sent, until the process ends. */
export const layerMemory: Layer.Layer<SendLedger> = /* @__PURE__ */ Layer.effect(SendLedger, makeMemory)
