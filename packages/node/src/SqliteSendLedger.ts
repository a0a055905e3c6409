/**
 * The ledger of broadcasts in an SQLite file: each recipient is sent to once by the processes of one machine, also after
 * a crash of a process or of the machine. The file may be the one of `SqliteTokenCache`, and must be on a local disk too.
 *
 * A claim is on the disk before its message leaves. A result may be lost in a power failure: then its row is `unknown`.
 */
import * as SqlSendLedger from "@qq-mini/core/adapter/SqlSendLedger"
import type { QQError } from "@qq-mini/core/QQError"
import { SendLedger, SendLedgerError } from "@qq-mini/core/SendLedger"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { openTransactions, type Options } from "./sqlite/database.ts"

export type { Options } from "./sqlite/database.ts"

/** Makes the ledger. It closes the file when the scope is closed. Fails with a `QQError` if the file can't be used. */
export const make = (options: Options): Effect.Effect<SendLedger["Service"], QQError, Scope.Scope> =>
  Effect.map(openTransactions(options, SqlSendLedger.schema), (transact) =>
    SqlSendLedger.make((operation, kind, body) =>
      Effect.mapError(transact(kind, body), (problem) => new SendLedgerError({ operation, problem }))
    )
  )

/** The ledger in a file. Fails as {@link make} does. */
export const layer = (options: Options): Layer.Layer<SendLedger, QQError> => Layer.effect(SendLedger, make(options))
