/**
 * The Durable Object that stores a broadcast for all Workers: its rows, and who claimed them. Each broadcast has an object
 * of its own. It is a plain class, so it does not import `cloudflare:workers`. It needs the storage backend SQLite.
 */
import * as SqlSendLedger from "@qq-mini/core/adapter/SqlSendLedger"
import type { SendLedger } from "@qq-mini/core/SendLedger"
import * as Effect from "effect/Effect"
import { answer } from "./internal/durableObject.ts"
import * as LedgerWire from "./internal/ledgerWire.ts"

/** The part of a Durable Object's state that the class uses. */
export interface State {
  readonly storage: {
    readonly sql: {
      exec(
        statement: string,
        ...values: ReadonlyArray<string | number | null>
      ): { toArray(): ReadonlyArray<Readonly<Record<string, unknown>>> }
    }
    transactionSync<A>(body: () => A): A
  }
}

/** The class of the Durable Object. */
export class QQBroadcasts {
  readonly #ledger: SendLedger["Service"]

  constructor({ storage }: State) {
    storage.sql.exec(SqlSendLedger.schema)
    const sql: SqlSendLedger.Sql = (statement, ...values) => storage.sql.exec(statement, ...values).toArray()
    this.#ledger = SqlSendLedger.make((_operation, _kind, body) =>
      // T10: times come from the object's clock. No answer leaves before the change is stored, so each one is lasting.
      Effect.sync(() => storage.transactionSync(() => body(sql, Date.now())))
    )
  }

  /** Handles an operation of the ledger from a Worker. */
  async fetch(request: Request): Promise<Response> {
    const asked: LedgerWire.Asked = await request.json()
    return answer(await Effect.runPromise(LedgerWire.serve(this.#ledger, asked)))
  }
}
