/**
 * The handled messages of QQ in an SQLite file: a message is handled once by the processes of one machine, also after
 * they were restarted. The file may be the one of `SqliteTokenCache`, and must be on a local disk too.
 */
import { nobody, PushStore, PushStoreError } from "@qq-mini/core/PushStore"
import type { QQError } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { now, open, type Options } from "./sqlite/database.ts"

export type { Options } from "./sqlite/database.ts"

const schema = `
  CREATE TABLE IF NOT EXISTS push (
    key TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  DELETE FROM push WHERE expires <= ${now};`

const statements = {
  claim: `INSERT INTO push (key, owner, expires) VALUES (:key, :owner, ${now} + :ttl)
    ON CONFLICT (key) DO UPDATE SET
      owner = iif(expires <= ${now}, excluded.owner, owner),
      expires = iif(expires <= ${now} OR owner = excluded.owner, excluded.expires, expires)
    RETURNING owner`,
  done: `INSERT INTO push (key, owner, expires) VALUES (:key, '${nobody}', ${now} + :ttl)
    ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, expires = excluded.expires
    RETURNING 1`,
  release: `DELETE FROM push WHERE key = :key AND owner = :owner RETURNING 1`
} as const

/** Makes the store. It closes the file when the scope is closed. Fails with a `QQError` if the file can't be used. */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<PushStore["Service"], QQError, Scope.Scope> {
  const ask = yield* open(options, schema, statements)
  const run = (operation: keyof typeof statements, params: Parameters<typeof ask>[1]) =>
    Effect.mapError(ask(operation, params), (problem) => new PushStoreError({ operation, problem }))
  return PushStore.of({
    claim: (key, { owner, ttl }) =>
      Effect.map(run("claim", { key, owner, ttl: Math.ceil(ttl) }), (row) =>
        row?.["owner"] === owner ? "first" : row?.["owner"] === nobody ? "done" : "busy"
      ),
    done: (key, { ttl }) => Effect.asVoid(run("done", { key, ttl: Math.ceil(ttl) })),
    release: (key, { owner }) => Effect.asVoid(run("release", { key, owner }))
  })
})

/** The store in a file. Fails as {@link make} does. */
export const layer = (options: Options): Layer.Layer<PushStore, QQError> => Layer.effect(PushStore, make(options))
