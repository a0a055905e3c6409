/**
 * Tokens in an SQLite file: one store for the processes of one machine, without a package to install or a server to
 * run.
 *
 * It uses Node's own `node:sqlite`. Each operation is one statement, so every operation is atomic. Times come from the
 * machine's clock as SQLite reads it. Only the file's owner can read it. The file must be on a local disk: SQLite's
 * locks do not work on network file systems, and machines that share a disk don't share a clock.
 */
import type { QQError } from "@qq-mini/core/QQError"
import { type Key, TokenCache, TokenCacheError } from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { now, open, type Options } from "./sqlite/database.ts"

export type { Options } from "./sqlite/database.ts"

// T10: the times are those of SQLite's clock.
const schema = `
  CREATE TABLE IF NOT EXISTS slot (
    key TEXT PRIMARY KEY,
    generation INTEGER NOT NULL DEFAULT 0,
    token TEXT,
    lifetime INTEGER NOT NULL DEFAULT 0,
    expires INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    leased INTEGER NOT NULL DEFAULT 0,
    history TEXT NOT NULL DEFAULT ''
  ) STRICT, WITHOUT ROWID;
  DELETE FROM slot WHERE max(expires, leased) < ${now} - 2592000000;`

const statements = {
  read: `SELECT generation, lifetime, history, iif(expires > ${now}, token, NULL) AS token,
      iif(token IS NOT NULL, max(0, expires - ${now}), 0) AS expiresIn, max(0, leased - ${now}) AS leasedFor, now
    FROM (SELECT ${now} AS now) LEFT JOIN slot ON key = :key`,
  // T1, T9
  lease: `INSERT INTO slot (key, owner, leased)
    SELECT :key, :owner, ${now} + :ttl WHERE :generation = 0 OR EXISTS (SELECT 1 FROM slot WHERE key = :key)
    ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, leased = excluded.leased
      WHERE generation = :generation AND (leased <= ${now} OR owner = :owner)
    RETURNING 1`,
  // T2
  write: `UPDATE slot SET generation = max(generation + 1, ${now}), token = :token, lifetime = :ttl, expires = ${now} + :ttl,
      leased = 0, history = :history
    WHERE key = :key AND generation = :generation AND owner = :owner
    RETURNING generation`,
  // T3
  remove: `UPDATE slot SET token = NULL WHERE key = :key AND generation = :generation AND token IS NOT NULL RETURNING 1`,
  release: `UPDATE slot SET leased = 0 WHERE key = :key AND owner = :owner RETURNING 1`
} as const

/**
 * Makes the store. It closes the file when the scope is closed. If the file can't be used, it fails with a `QQError`
 * that names the setting and the fix. A file that another program locks for more than a second is treated as an outage
 * instead: every operation fails until the lock is gone.
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<TokenCache["Service"], QQError, Scope.Scope> {
  const ask = yield* open(options, schema, statements)
  const run = (operation: keyof typeof statements, params: Parameters<typeof ask>[1]) =>
    Effect.mapError(ask(operation, params), (problem) => new TokenCacheError({ operation, problem }))

  return TokenCache.of({
    read: (key: Key) =>
      Effect.map(run("read", { key }), (row) => ({
        generation: Number(row!["generation"] ?? 0),
        token: typeof row!["token"] === "string" ? Redacted.make(row!["token"]) : undefined,
        lifetime: Number(row!["lifetime"] ?? 0),
        expiresIn: Number(row!["expiresIn"] ?? 0),
        leasedFor: Number(row!["leasedFor"] ?? 0),
        now: Number(row!["now"]),
        history: String(row!["history"] ?? "")
      })),
    lease: (key, { generation, owner, ttl }) =>
      Effect.map(run("lease", { key, owner, generation, ttl: Math.ceil(ttl) }), (row) => row !== undefined),
    write: (key, { generation, history, owner, token, ttl }) =>
      Effect.map(
        run("write", { key, owner, generation, history, token: Redacted.value(token), ttl: Math.floor(ttl) }),
        (row) => (row === undefined ? undefined : Number(row["generation"]))
      ),
    remove: (key, { generation }) => Effect.map(run("remove", { key, generation }), (row) => row !== undefined),
    release: (key, { owner }) => Effect.asVoid(run("release", { key, owner }))
  })
})

/** The store in a file. Fails as {@link make} does. */
export const layer = (options: Options): Layer.Layer<TokenCache, QQError> => Layer.effect(TokenCache, make(options))
