/**
 * An SQLite file of the user, on Node's own `node:sqlite`. Each operation of a store is one statement or one transaction,
 * so every operation is atomic. Only the file's owner can read it.
 */
import { isNamed, shown, sqlite } from "@qq-mini/core/adapter/shown"
import { checkNames } from "@qq-mini/core/adapter/Setup"
import { invalidConfig } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from "node:fs"
import { dirname } from "node:path"
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite"

/** SQLite's clock, in milliseconds. It has the same value throughout one statement. */
export const now = "CAST(unixepoch('subsec') * 1000 AS INTEGER)"

// SQLite blocks the whole process while it waits for a lock, so it waits only this long (ms). Then the operation is
// retried after a pause.
const busyMillis = 10
// How long building the layer waits for a locked file (ms). After that, each operation tries to open the file.
const openMillis = 1_000

/** The options of a store in a file. */
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

/** The names of the options, each with the names that people write instead. */
export const names = { path: ["file"], setting: [] } satisfies Record<keyof Options, ReadonlyArray<string>>

/**
 * Opens the file, and closes it when the scope is closed. If the file can't be used, it fails with a `QQError` that names
 * the setting and the fix. A file that another program locks for more than a second is treated as an outage instead:
 * every operation fails until the lock is gone. Returns a function that runs one operation, and fails with a safe name of
 * the problem.
 */
const openFile = Effect.fnUntraced(function* <Prepared>(
  options: Options,
  schema: string,
  prepare: (database: DatabaseSync) => Prepared
): Effect.fn.Return<<A>(operation: (prepared: Prepared) => A) => Effect.Effect<A, string>, QQError, Scope.Scope> {
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
  let opened: { readonly database: DatabaseSync; readonly prepared: Prepared } | undefined
  yield* Effect.addFinalizer(() => Effect.sync(() => opened?.database.close()))
  const open = () => {
    if (opened !== undefined) return opened.prepared
    makeFolder(dirname(path))
    // Create the file before SQLite opens it, so that other users can never read it. SQLite's helper files get the same
    // permissions.
    closeSync(openSync(path, "a", 0o600))
    chmodSync(path, 0o600)
    const database = new DatabaseSync(path, { timeout: busyMillis })
    try {
      database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${schema}`)
      return (opened = { database, prepared: prepare(database) }).prepared
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

  return (operation) =>
    Effect.try({ try: () => operation(open()), catch: (cause) => cause }).pipe(
      retryBusy,
      Effect.mapError((cause) => shown(cause, sqlite))
    )
})

/** Runs a statement by its name. Fails with a safe name of the problem. */
export type Run<Name extends string> = (
  name: Name,
  params: Record<string, SQLInputValue>
) => Effect.Effect<Record<string, SQLOutputValue> | undefined, string>

/** Opens the file for single statements, as {@link openFile} does. */
export const open = <Name extends string>(
  options: Options,
  schema: string,
  statements: Readonly<Record<Name, string>>
): Effect.Effect<Run<Name>, QQError, Scope.Scope> =>
  Effect.map(
    openFile(options, schema, (database) => {
      const prepared = {} as Record<Name, StatementSync>
      for (const name of Object.keys(statements) as Array<Name>) prepared[name] = database.prepare(statements[name])
      return prepared
    }),
    // Not `get`: it stops after the first row, and so misses that a write failed, as on a full disk.
    (run) => (name, params) => run((prepared) => prepared[name].all(params)[0])
  )

/** Runs a statement with the values of its question marks, and returns the rows. */
export type Sql = (statement: string, ...values: ReadonlyArray<SQLInputValue>) => Array<Record<string, SQLOutputValue>>

/**
 * Runs a transaction, with the time on SQLite's clock. It runs again if the file is locked. A `lasting` one is on the disk
 * when it ends: a power failure does not undo it. Fails with a safe name of the problem.
 */
export type Transact = <A>(
  kind: "read" | "write" | "lasting",
  body: (sql: Sql, now: number) => A
) => Effect.Effect<A, string>

/** Opens the file for transactions, as {@link openFile} does. */
export const openTransactions = (options: Options, schema: string): Effect.Effect<Transact, QQError, Scope.Scope> =>
  Effect.map(
    openFile(options, schema, (database) => {
      const prepared = new Map<string, StatementSync>()
      const sql: Sql = (text, ...values) => {
        const statement = prepared.get(text) ?? database.prepare(text)
        prepared.set(text, statement)
        return statement.all(...values)
      }
      return { database, sql }
    }),
    (run) => (kind, body) =>
      run(({ database, sql }) => {
        // A transaction that reads first and writes later would fail where another one wrote in between.
        database.exec(
          kind === "read" ? "BEGIN" : `PRAGMA synchronous = ${kind === "lasting" ? "FULL" : "NORMAL"}; BEGIN IMMEDIATE`
        )
        try {
          const result = body(sql, Number(sql(`SELECT ${now} AS now`)[0]!["now"]))
          database.exec("COMMIT")
          return result
        } catch (cause) {
          // On a full disk SQLite has rolled back already.
          if (database.isTransaction) database.exec("ROLLBACK")
          throw cause
        }
      })
  )

const isBusy = (cause: unknown): boolean => isNamed(cause, /^database (table )?is locked$/)

// Retry while another writer holds the lock. The pauses leave the event loop free. The caller limits the total time.
const retryBusy: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.retry({
  while: isBusy,
  schedule: Schedule.spaced("10 millis").pipe(Schedule.jittered),
  times: 400
})
