/**
 * The ledger of broadcasts in Redis: each recipient is sent to once by any number of processes and machines.
 *
 * Each operation on a broadcast is one script, so every operation is atomic. Its keys have a hash tag, so it works on a
 * cluster too: a broadcast is on one node. The list of broadcasts is a key of its own. A process that ends between both
 * can leave a name in the list whose broadcast does not exist, or a broadcast that is not in the list. To create or to
 * remove it again corrects this.
 *
 * **Redis must not lose claims.** If a claim is lost after its message has left, the message is sent again.
 * - Redis confirms a write before it is on the disk, unless it is set up with `appendonly yes` and `appendfsync always`.
 * - A replica gets a write after it was confirmed. A failover loses the last claims before it, and their recipients may
 *   get the message twice. With `min-replicas-to-write` and `min-replicas-max-lag`, these are the claims of a few seconds.
 * - With a `maxmemory-policy` of `allkeys-…`, Redis deletes ledgers when its memory is full: use `noeviction`.
 *
 * The ledger logs a warning if Redis says that it has no append-only file, or may delete ledgers.
 *
 * A user needs the commands EVAL, EVALSHA, TIME, EXISTS, HGET, HGETALL, HSET, HSETNX, HDEL, HINCRBY, ZADD, ZREM,
 * ZRANGEBYLEX, SADD, SREM, SMEMBERS and UNLINK on the keys `qq-mini:*`, and INFO for the warning. Needs Redis 5 or newer,
 * or a compatible server that runs Lua scripts.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import { redis as redisErrors, shown } from "./internal/shown.ts"
import type { Claimed, Control, Entry, Unknown } from "./ledger/types.ts"
import { decodeState, encodeState, found, type LedgerScript, scripts } from "./redis/ledgerScripts.ts"
import { countsOf, SendLedger, SendLedgerError } from "./SendLedger.ts"

/** Options of the store. */
export interface Options {
  /** The prefix of all keys. By default `qq-mini:`. */
  readonly prefix?: string | undefined
}

const lineBase = 36

/** Reads the hash of a broadcast. */
const entryOf = (fields: ReadonlyArray<string>): Entry | undefined => {
  const known = new Map<string, string>()
  const counted = new Map<string, number>()
  for (let i = 0; i < fields.length; i += 2) {
    const [name, value] = [fields[i]!, fields[i + 1]!]
    if (name.startsWith("#")) {
      const { reason, state } = decodeState(name.slice(1))
      counted.set(state === "refused" ? `refused:${reason}` : state, Number(value))
    } else known.set(name, value)
  }
  if (!known.has("created")) return undefined
  return {
    created: known.get("created")!,
    control: known.get("control") as Control,
    why: known.get("why")!,
    loaded: Number(known.get("loaded")),
    document: known.get("document")!,
    counts: countsOf(counted)
  }
}

const claimedOf = (result: number): Claimed =>
  result === found.claimed
    ? { found: "claimed" }
    : result === found.done
      ? { found: "done" }
      : { found: "busy", wait: result }

const unknownOf = (texts: ReadonlyArray<string>): ReadonlyArray<Unknown> =>
  Array.from({ length: texts.length / 3 }, (_, i) => ({
    recipient: texts[i * 3]!,
    claim: texts[i * 3 + 1]!,
    message: texts[i * 3 + 2]!
  }))

/** What of the set-up of Redis can lose claims, as it says itself. */
const risksOf = ([appends, memory, policy]: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...(appends === "0"
    ? [
        "Redis keeps no append-only file: when it restarts, messages are sent again. Set appendonly yes, appendfsync always"
      ]
    : []),
  ...(memory !== "0" && policy?.startsWith("allkeys-") === true
    ? [`Redis deletes ledgers when its memory is full (maxmemory-policy ${policy}): set noeviction`]
    : [])
]

/** Makes a ledger over the provided Redis. */
export const make = Effect.fnUntraced(function* ({ prefix = "qq-mini:" }: Options = {}) {
  const redis = yield* Redis.Redis
  const run = <Params extends ReadonlyArray<string | number>, Result>(
    operation: SendLedgerError["operation"],
    of: LedgerScript<Params, Result>,
    keys: ReadonlyArray<string>,
    ...params: Params
  ): Effect.Effect<Result, SendLedgerError> =>
    Effect.mapError(
      redis.eval(of)(keys, ...params),
      (error) => new SendLedgerError({ operation, problem: shown(error, redisErrors) })
    )
  const list = [`${prefix}ledgers`]
  const keysOf = (broadcast: string): ReadonlyArray<string> => {
    // The hash tag must not be empty, as it would be with a name that begins with a brace.
    const key = `${prefix}{ledger:${broadcast}}`
    return [key, `${key}:rows`, `${key}:claims`, `${key}:order`]
  }

  let isChecked = false
  const warn = (keys: ReadonlyArray<string>) =>
    Effect.suspend(() => {
      if (isChecked) return Effect.void
      return Effect.flatMap(run("create", scripts.durability, keys), (answers) => {
        isChecked = true
        return Effect.forEach(risksOf(answers), (risk) => Effect.logWarning(risk), { discard: true })
      })
    })

  return SendLedger.of({
    create: (name, document) =>
      Effect.gen(function* () {
        yield* warn(keysOf(name))
        yield* run("create", scripts.enlist, list, name)
        return entryOf(yield* run("create", scripts.create, keysOf(name), document))!
      }),
    read: (name) => Effect.map(run("read", scripts.read, keysOf(name)), entryOf),
    control: (name, { from, to, why }) =>
      Effect.map(run("control", scripts.control, keysOf(name), to, why, ...from), (did) => did === 1),
    add: (name, rows) => {
      const params = rows.flatMap(({ line, recipient }) => [recipient, line.toString(lineBase)])
      return Effect.map(run("add", scripts.add, keysOf(name), ...params), (lines) =>
        lines.map((line) => Number.parseInt(line, lineBase))
      )
    },
    advance: (name, { document, from }) =>
      Effect.map(run("advance", scripts.advance, keysOf(name), from, document), (did) => did === 1),
    rows: (name, recipients) =>
      Effect.map(run("rows", scripts.rows, keysOf(name), ...recipients), (values) =>
        values.map((value) => {
          const [, line, state] = /^([a-z\d]+)(.*)$/s.exec(value ?? "") ?? []
          return line === undefined ? undefined : { line: Number.parseInt(line, lineBase), ...decodeState(state!) }
        })
      ),
    claim: (name, { claim, rows, ttl }) => {
      const params = rows.flatMap(({ instead, message, recipient }) => [
        recipient,
        message,
        instead === undefined ? "" : `=${instead}`
      ])
      return Effect.map(run("claim", scripts.claim, keysOf(name), claim, Math.ceil(ttl), ...params), (results) =>
        results === null ? rows.map((): Claimed => ({ found: "stopped" })) : results.map(claimedOf)
      )
    },
    settle: (name, { claim, rows }) => {
      const params = rows.flatMap(({ reason, recipient, to }) => [recipient, encodeState(to, reason)])
      return Effect.asVoid(run("settle", scripts.settle, keysOf(name), claim, ...params))
    },
    unknown: (name, { cursor, limit }) =>
      Effect.map(
        run("unknown", scripts.unknown, keysOf(name), cursor === undefined ? "-" : `(${cursor}`, limit),
        ([next, ...texts]) => ({ rows: unknownOf(texts), ...(next !== "" && { next }) })
      ),
    list: run("list", scripts.list, list),
    remove: (name) =>
      Effect.asVoid(
        Effect.andThen(run("remove", scripts.remove, keysOf(name)), run("remove", scripts.strike, list, name))
      )
  })
})

/** The ledger over the provided Redis. */
export const layer = (options?: Options): Layer.Layer<SendLedger, never, Redis.Redis> =>
  Layer.effect(SendLedger, make(options))
