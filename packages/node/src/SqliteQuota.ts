/**
 * QQ's limits over the processes of one machine, counted in an SQLite file. The file may be the one of `SqliteTokenCache`,
 * and must be on a local disk too.
 */
import * as SavedQuota from "@qq-mini/core/adapter/SavedQuota"
import type { QQError } from "@qq-mini/core/QQError"
import { Quota, QuotaError } from "@qq-mini/core/Quota"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { openTransactions, type Options } from "./sqlite/database.ts"

export type { Options } from "./sqlite/database.ts"

const schema = `
  CREATE TABLE IF NOT EXISTS quota (
    key TEXT PRIMARY KEY,
    windows TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;`

/** Makes the limiter. It closes the file when the scope is closed. Fails with a `QQError` if the file can't be used. */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Quota["Service"], QQError, Scope.Scope> {
  const transact = yield* openTransactions(options, schema)
  return SavedQuota.make((key, change) =>
    transact("write", (sql, now) => {
      const text = sql("SELECT windows FROM quota WHERE key = ?", key)[0]?.["windows"]
      const { result, save } = change(typeof text === "string" ? text : undefined, now)
      if (save !== undefined) {
        sql(
          "INSERT INTO quota (key, windows) VALUES (?, ?) ON CONFLICT DO UPDATE SET windows = excluded.windows",
          key,
          save
        )
      }
      return result
    }).pipe(Effect.mapError((problem) => new QuotaError({ problem })))
  )
})

/** The limiter in a file. Fails as {@link make} does. */
export const layer = (options: Options): Layer.Layer<Quota, QQError> => Layer.effect(Quota, make(options))
