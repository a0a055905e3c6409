/** The check of the token store. */
import type { QQError } from "@qq-mini/core/QQError"
import { TokenCache } from "@qq-mini/core/TokenCache"
import * as EncryptedTokenCache from "@qq-mini/core/EncryptedTokenCache"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as SqliteTokenCache from "@qq-mini/node/SqliteTokenCache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import type * as Scope from "effect/Scope"
import { withSource } from "../frame/client.ts"
import { both } from "../frame/invocation.ts"
import { modeOf, octal } from "./configuration.ts"
import { after, failed, type Finding, ok, problem, warning } from "./Finding.ts"
import type { Subject } from "./Subject.ts"

/** The store, if it can be used, and what was found. */
export interface Examined {
  readonly finding: Finding
  readonly cache: TokenCache["Service"] | undefined
  /** The same store as it is, if its tokens are encrypted. */
  readonly raw?: TokenCache["Service"] | undefined
  /** Whether other processes use the same store. */
  readonly isShared: boolean
}

const unusable = both("The store can't be used.", "存储无法使用。")

interface Opened {
  readonly cache: TokenCache["Service"]
  readonly finding: Finding
  /** Whether the other checks can use it. */
  readonly isUsable: boolean
}

const locked = problem(
  "store",
  both("The file of the store is locked by another program.", "存储文件被其他程序锁定。"),
  both(
    "Close what holds it open, such as a database browser or a backup, and keep the file on a local disk.",
    "请关闭占用该文件的程序（如数据库浏览器、备份），并将文件放在本地磁盘上。"
  )
)

const sqlite = (path: string): Effect.Effect<Opened, QQError, Scope.Scope> =>
  Effect.gen(function* () {
    // Before it is opened: that gives the file the right mode.
    const mode = modeOf(path)
    const cache = yield* SqliteTokenCache.make({ path, setting: "store (QQ_STORE)" })
    const details = { kind: "sqlite", path, ...(mode === undefined ? {} : { mode: octal(mode) }) }
    const read = Effect.match(cache.read("0:doctor"), {
      onFailure: ({ problem: found }) =>
        problem(
          "store",
          both(`The file of the store can't be read (${found}).`, `无法读取存储文件（${found}）。`),
          both("Check the disk, or remove the file: it is made anew.", "请检查磁盘，或删除该文件：会重新创建。"),
          { ...details, problem: found }
        ),
      onSuccess: () =>
        mode !== undefined && (mode & 0o077) !== 0
          ? warning(
              "store",
              both(
                `Other users could read the tokens in ${path} (${octal(mode)}). Opening it has corrected this.`,
                `其他用户曾可读取 ${path} 中的 token（${octal(mode)}）。打开时已更正。`
              ),
              both(
                "If somebody may have read them, fetch a new token: qq-mini token --refresh.",
                "若可能已被读取，请获取新的 token：qq-mini token --refresh。"
              ),
              details
            )
          : ok("store", both(`${path} can be used.`, `${path} 可以使用。`), details)
    })
    const finding = yield* Effect.timeoutOrElse(read, {
      duration: "2 seconds",
      orElse: () => Effect.succeed({ ...locked, details })
    })
    return { cache, finding, isUsable: finding.state !== "problem" }
  })

const fieldOf = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1]

/** The facts that Redis tells about itself. Asked one by one, since a user may not be allowed all. */
const facts = Effect.gen(function* () {
  const { send } = yield* Redis.Redis
  const section = (name: string) =>
    Effect.match(send<unknown>("INFO", name), { onFailure: () => "", onSuccess: (info) => String(info) })
  const info = (yield* Effect.forEach(["server", "memory", "stats", "persistence", "cluster"], section)).join("\r\n")
  const number = (name: string) => Number(fieldOf(info, name) ?? NaN)
  return {
    version: fieldOf(info, "redis_version"),
    cluster: fieldOf(info, "cluster_enabled") === "1",
    maxmemory: number("maxmemory"),
    policy: fieldOf(info, "maxmemory_policy"),
    evicted: number("evicted_keys"),
    snapshot: fieldOf(info, "rdb_last_bgsave_status"),
    appendOnly: fieldOf(info, "aof_enabled") === "1",
    appended: fieldOf(info, "aof_last_write_status")
  }
})

const ofRedis = (at: string, found: Effect.Success<typeof facts>): Finding => {
  const { appended, evicted, maxmemory, policy, snapshot, version } = found
  const details = { kind: "redis", at, ...found }
  if (version !== undefined && Number.parseInt(version, 10) < 5) {
    return problem(
      "store",
      both(`Redis ${version} is too old.`, `Redis ${version} 版本过旧。`),
      both("Use Redis 5 or newer.", "请使用 Redis 5 或更新版本。"),
      details
    )
  }
  if (snapshot === "err" || appended === "err") {
    return problem(
      "store",
      both("Redis can't write to its disk, and soon refuses all writes.", "Redis 无法写入磁盘，随后会拒绝所有写入。"),
      both("Make room on its disk and see its log.", "请清理其磁盘空间，并查看其日志。"),
      details
    )
  }
  // Tokens have a TTL, so the policies `volatile-*` remove them too.
  if (policy !== undefined && policy !== "noeviction" && maxmemory > 0) {
    return (evicted > 0 ? problem : warning)(
      "store",
      both(
        evicted > 0
          ? `Redis removes keys when its memory is full (maxmemory-policy ${policy}), and has removed ${evicted}: tokens, quotas and handled messages get lost.`
          : `Redis removes keys when its memory is full (maxmemory-policy ${policy}): tokens, quotas and handled messages can get lost.`,
        evicted > 0
          ? `内存已满时 Redis 会淘汰键（maxmemory-policy ${policy}），已淘汰 ${evicted} 个：token、配额与已处理的消息会丢失。`
          : `内存已满时 Redis 会淘汰键（maxmemory-policy ${policy}）：token、配额与已处理的消息可能丢失。`
      ),
      both(
        "Set maxmemory-policy noeviction, or use a Redis that is not also a cache.",
        "请设置 maxmemory-policy noeviction，或使用不兼作缓存的 Redis。"
      ),
      details
    )
  }
  const unsaved = found.appendOnly
    ? both("", "")
    : both(" Without appendonly, a restart may lose the newest keys.", "未开启 appendonly，重启可能丢失最新的键。")
  return ok(
    "store",
    both(
      `Redis ${version ?? ""} at ${at} can be used.${unsaved.en}`,
      `${at} 的 Redis ${version ?? ""} 可以使用。${unsaved.zh}`
    ),
    details
  )
}

const redis = (url: string): Effect.Effect<Opened, QQError, Scope.Scope> =>
  Effect.gen(function* () {
    const RedisStores = yield* Effect.promise(() => import("@qq-mini/node/RedisStores"))
    const options = { url, setting: "store (QQ_STORE)" }
    const at = yield* RedisStores.check(options)
    const cache = Context.get(yield* Layer.build(RedisStores.layer(options)), TokenCache)
    const found = yield* Effect.provide(facts, yield* Layer.build(RedisStores.layerRedis(options)))
    return { cache, finding: ofRedis(at, found), isUsable: true }
  })

const memory: Effect.Effect<Examined> = Effect.succeed({
  finding: ok(
    "store",
    both(
      "Each process keeps its token in memory. That is right for one process only: several end each other's tokens.",
      "token 只存于各进程的内存。仅适合单进程：多个进程会互相使对方的 token 失效。"
    ),
    { kind: "memory" }
  ),
  cache: undefined,
  isShared: false
})

const pathOf = (store: string): Effect.Effect<string | undefined> => {
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(store)?.[1]
  return store === "" || store === "sqlite"
    ? Effect.orElseSucceed(NodeQQMini.defaultStorePath, () => undefined)
    : Effect.succeed(path)
}

/** Checks the store, and opens it for the other checks, until the scope is closed. */
export const store = ({ settings }: Subject): Effect.Effect<Examined, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { values } = settings
    const name = values.QQ_STORE ?? ""
    if (name === "memory") return yield* memory
    const path = yield* pathOf(name)
    if (path === undefined && NodeQQMini.storeByName(name) === undefined) {
      const finding = after("store", "configuration")
      return { finding, cache: undefined, isShared: true }
    }
    const opened = path === undefined ? redis(name) : sqlite(path)
    const key = values.QQ_TOKEN_KEY
    const decrypted = Effect.gen(function* () {
      const found = yield* opened
      if (key === undefined) return { ...found, raw: undefined }
      const cache = yield* EncryptedTokenCache.make(found.cache, key, "tokenKey (QQ_TOKEN_KEY)")
      return { ...found, cache, raw: found.cache }
    })
    return yield* Effect.match(decrypted, {
      onFailure: (error): Examined => ({
        finding: failed("store", unusable, withSource(settings)(error).reason),
        cache: undefined,
        isShared: true
      }),
      onSuccess: ({ cache, finding, isUsable, raw }): Examined => ({
        finding,
        cache: isUsable ? cache : undefined,
        raw,
        isShared: true
      })
    })
  })
