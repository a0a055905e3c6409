/**
 * The verdicts of content checks in an SQLite file: the same content is checked once by the processes of one machine, also
 * after they were restarted. The file may be the one of `SqliteTokenCache`, and must be on a local disk too.
 */
import type { QQError } from "@qq-mini/core/QQError"
import { VerdictStore, VerdictStoreError } from "@qq-mini/core/VerdictStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { now, open, type Options } from "./sqlite/database.ts"

export type { Options } from "./sqlite/database.ts"

// A verdict has no owner, and a claim has no value.
const schema = `
  CREATE TABLE IF NOT EXISTS verdict (
    key TEXT PRIMARY KEY,
    owner TEXT,
    value TEXT,
    expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  DELETE FROM verdict WHERE expires <= ${now};`

const statements = {
  get: `SELECT value FROM verdict WHERE key = :key AND expires > ${now}`,
  claim: `INSERT INTO verdict (key, owner, expires) VALUES (:key, :owner, ${now} + :ttl)
    ON CONFLICT (key) DO UPDATE SET
      owner = iif(expires <= ${now}, excluded.owner, owner),
      value = iif(expires <= ${now}, NULL, value),
      expires = iif(expires <= ${now} OR owner = excluded.owner, excluded.expires, expires)
    RETURNING owner`,
  put: `INSERT INTO verdict (key, value, expires) VALUES (:key, :value, ${now} + :ttl)
    ON CONFLICT (key) DO UPDATE SET owner = NULL, value = excluded.value, expires = excluded.expires
    RETURNING 1`,
  release: `DELETE FROM verdict WHERE key = :key AND owner = :owner RETURNING 1`
} as const

/** Makes the store. It closes the file when the scope is closed. Fails with a `QQError` if the file can't be used. */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<VerdictStore["Service"], QQError, Scope.Scope> {
  const ask = yield* open(options, schema, statements)
  const run = (operation: keyof typeof statements, params: Parameters<typeof ask>[1]) =>
    Effect.mapError(ask(operation, params), (problem) => new VerdictStoreError({ operation, problem }))
  return VerdictStore.of({
    get: (key) =>
      Effect.map(run("get", { key }), (row) => (typeof row?.["value"] === "string" ? row["value"] : undefined)),
    claim: (key, { owner, ttl }) =>
      Effect.map(run("claim", { key, owner, ttl: Math.ceil(ttl) }), (row) =>
        row?.["owner"] === owner ? "claimed" : row?.["owner"] === null ? "kept" : "busy"
      ),
    put: (key, { ttl, value }) => Effect.asVoid(run("put", { key, value, ttl: Math.ceil(ttl) })),
    release: (key, { owner }) => Effect.asVoid(run("release", { key, owner }))
  })
})

/** The store in a file. Fails as {@link make} does. */
export const layer = (options: Options): Layer.Layer<VerdictStore, QQError> => Layer.effect(VerdictStore, make(options))
