import type { SendLedger, SendLedgerError } from "@qq-mini/core/SendLedger"
import * as Effect from "effect/Effect"

type Ledger = SendLedger["Service"]

/** An operation of a ledger as JSON, on its way to a Durable Object. */
export type Asked =
  | { readonly operation: "list" }
  | {
      [Operation in Exclude<keyof Ledger, "list">]: {
        readonly operation: Operation
        readonly parameters: Parameters<Ledger[Operation]>
      }
    }[Exclude<keyof Ledger, "list">]

/** Asks the Durable Object with this name. */
export type Ask = (object: string, asked: Asked) => Effect.Effect<any, SendLedgerError>

// A prefix keeps the index apart from a broadcast with any name.
const objectOf = (broadcast: string) => `broadcast:${broadcast}`
const index = "index"

/**
 * Makes a ledger whose broadcasts are in one object each. Another object, the index, has an empty broadcast for each name.
 * A name is in the index before its broadcast is made, and after it is removed.
 */
export const client = (ask: Ask): Ledger => {
  const of =
    <Operation extends Exclude<keyof Ledger, "list">>(operation: Operation) =>
    (...parameters: Parameters<Ledger[Operation]>) =>
      ask(objectOf(parameters[0]), { operation, parameters } as Asked)
  return {
    create: (broadcast, document) =>
      Effect.andThen(
        ask(index, { operation: "create", parameters: [broadcast, ""] }),
        of("create")(broadcast, document)
      ),
    read: of("read"),
    control: of("control"),
    add: of("add"),
    advance: of("advance"),
    // JSON has no `undefined`
    rows: (broadcast, recipients) =>
      Effect.map(of("rows")(broadcast, recipients), (rows: ReadonlyArray<any>) => rows.map((row) => row ?? undefined)),
    claim: of("claim"),
    settle: of("settle"),
    unknown: of("unknown"),
    list: ask(index, { operation: "list" }),
    remove: (broadcast) =>
      Effect.andThen(of("remove")(broadcast), ask(index, { operation: "remove", parameters: [broadcast] }))
  }
}

/** Runs an operation that was sent by {@link client}. */
export const serve = (ledger: Ledger, asked: Asked): Effect.Effect<unknown, SendLedgerError> =>
  asked.operation === "list"
    ? ledger.list
    : (ledger[asked.operation] as (...parameters: ReadonlyArray<unknown>) => Effect.Effect<unknown, SendLedgerError>)(
        ...asked.parameters
      )
