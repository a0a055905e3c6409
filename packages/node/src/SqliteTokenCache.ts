/**
 * Tokens in an SQLite file: one store for the processes of one machine, without a package to install or a server to
 * run.
 *
 * It uses Node's own `node:sqlite`. Each operation is one statement, so every operation is atomic. Times come from the
 * machine's clock as SQLite reads it. Only the file's owner can read it. The file must be on a local disk: SQLite's
 * locks do not work on network file systems, and machines that share a disk don't share a clock.
 */
import { isNamed, shown, sqlite } from "@qq-mini/core/adapter/shown"
import { checkNames } from "@qq-mini/core/adapter/Setup"
import { invalidConfig } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import { type Key, TokenCache, TokenCacheError } from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from "node:fs"
import { dirname } from "node:path"
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite"

// T10: SQLite's clock. It has the same value throughout one statement.
const now = "CAST(unixepoch('subsec') * 1000 AS INTEGER)"

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
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

// SQLite blocks the whole process while it waits for a lock, so it waits only this long (ms). Then the operation is
// retried after a pause.
const busyMillis = 10
// How long building the layer waits for a locked file (ms). After that, each operation tries to open the file.
const openMillis = 1_000

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

/** The open file and its prepared statements. */
type Opened = { readonly database: DatabaseSync } & Readonly<Record<keyof typeof statements, StatementSync>>

/** The options of the store. */
export interface Options {
  /** The path of the file. The file and its folder are created if they are missing. */
  readonly path: string
  /** The name of the setting of the path, for errors. By default `path`. */
  readonly setting?: string | undefined
}

const advice = (problem: string): { readonly en: string; readonly zh: string } => {
  switch (problem) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return { en: "give this user the right to write there, or name another path", zh: "请授予写权限，或换一个路径" }
    case "ENOSPC":
      return { en: "make room on the disk", zh: "请清理磁盘空间" }
    case "EISDIR":
      return { en: "it is a folder; name a file in it", zh: "这是目录，请指定其中的文件" }
    case "ENOTDIR":
    case "EEXIST":
      return { en: "a part of the path is a file, not a folder", zh: "路径中的某一部分是文件而不是目录" }
    case "file is not a database":
      return { en: "it is another kind of file; name a new one", zh: "该文件不是 SQLite 数据库，请指定新文件" }
    default:
      return { en: "check that this user can write to the file and its folder", zh: "请确认当前用户可写该文件及其目录" }
  }
}

// Node's `mkdirSync` with `recursive` never returns if a folder can never be created, as below /proc.
const makeFolder = (path: string): void => {
  if (existsSync(path)) return
  if (dirname(path) !== path) makeFolder(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (cause) {
    // Another process may have created it first.
    if (!existsSync(path)) throw cause
  }
}

const names = { path: ["file"], setting: [] } satisfies Record<keyof Options, ReadonlyArray<string>>

/**
 * Makes the store. It closes the file when the scope is closed. If the file can't be used, it fails with a `QQError`
 * that names the setting and the fix. A file that another program locks for more than a second is treated as an outage
 * instead: every operation fails until the lock is gone.
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<TokenCache["Service"], QQError, Scope.Scope> {
  yield* checkNames(options, names)
  const { path, setting = "path" } = options
  if (typeof path !== "string" || path === "") {
    return yield* invalidConfig(setting, "must be the path of a file, as a string", "必须是文件路径（字符串）")
  }
  const failed = (cause: unknown) => {
    const problem = shown(cause, sqlite)
    const { en, zh } = advice(problem)
    return invalidConfig(setting, `${path} can't be used (${problem}): ${en}`, `无法使用 ${path}（${problem}）：${zh}`)
  }
  const { DatabaseSync } = yield* Effect.tryPromise({
    // Imported here, so that on runtimes without `node:sqlite` only this store fails.
    try: () => import("node:sqlite"),
    catch: () =>
      invalidConfig(
        setting,
        "needs Node's own SQLite (node:sqlite), which this runtime lacks: use another store",
        "需要 Node 自带的 SQLite（node:sqlite），当前运行环境没有：请换用其他存储"
      )
  })
  let opened: Opened | undefined
  yield* Effect.addFinalizer(() => Effect.sync(() => opened?.database.close()))
  const open = (): Opened => {
    if (opened !== undefined) return opened
    makeFolder(dirname(path))
    // Create the file before SQLite opens it, so that other users can never read it. SQLite's helper files get the same
    // permissions.
    closeSync(openSync(path, "a", 0o600))
    chmodSync(path, 0o600)
    const database = new DatabaseSync(path, { timeout: busyMillis })
    try {
      database.exec(schema)
      const prepare = (name: keyof typeof statements) => database.prepare(statements[name])
      return (opened = {
        database,
        read: prepare("read"),
        lease: prepare("lease"),
        write: prepare("write"),
        remove: prepare("remove"),
        release: prepare("release")
      })
    } catch (cause) {
      database.close()
      throw cause
    }
  }
  yield* Effect.try({ try: open, catch: (cause) => cause }).pipe(
    retryBusy,
    Effect.timeoutOrElse({ duration: openMillis, orElse: () => Effect.void }),
    Effect.catch((cause) => (isBusy(cause) ? Effect.void : Effect.fail(failed(cause))))
  )

  const run = (operation: keyof typeof statements, params: Record<string, SQLInputValue>) =>
    Effect.try({
      // Not `get`: it stops after the first row, and so misses that a write failed, as on a full disk.
      try: () => open()[operation].all(params)[0],
      catch: (cause) => cause
    }).pipe(
      retryBusy,
      Effect.mapError((cause) => new TokenCacheError({ operation, problem: shown(cause, sqlite) }))
    )

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

const isBusy = (cause: unknown): boolean => isNamed(cause, /^database (table )?is locked$/)

// Retry while another writer holds the lock. The pauses leave the event loop free. The caller limits the total time.
const retryBusy: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.retry({
  while: isBusy,
  schedule: Schedule.spaced("10 millis").pipe(Schedule.jittered),
  times: 400
})
