/**
 * Where tokens are kept in uniCloud: the cloud database, alone or together with other software that keeps QQ's token
 * there, and Redis.
 *
 * - {@link layerDatabase}: a collection of our own.
 * - {@link layerOpenData}: beside `uni-open-bridge` and `uni-id-co`, in `opendb-open-data`.
 * - {@link layerOpenBridge}: through `uni-open-bridge-common` itself, which may keep it in Redis.
 * - {@link layerVk}: beside a vk-unicloud that is still running, in `vk-global-data`.
 * - {@link layerRedis}: in Redis, with QQ's quotas counted together.
 *
 * In the database a slot is one document, and each change one conditional update of it, so the laws of `TokenCache` hold
 * for any number of instances. The database tells no time, so it is the cloud's machines' clocks that end leases and
 * tokens; a machine that is off by more than a lease (6 seconds) can cost a fetch, never a wrong token.
 *
 * A collection that was never made fails the layer, with the step that makes it. Where a collection is made with its first
 * document, as on aliyun, it is.
 *
 * Other software writes its document whenever it likes. What it wrote is everybody's token from then on, and what it
 * removed is gone; its own lock (it has none) is not needed for that. Our document beside it has the ending `:qq-mini`.
 */
import { invalidConfig } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as Quota from "@qq-mini/core/Quota"
import * as RedisQuota from "@qq-mini/core/RedisQuota"
import * as RedisTokenCache from "@qq-mini/core/RedisTokenCache"
import { TokenCache, TokenCacheError } from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import * as Slots from "./internal/slots.ts"
import type { Database, Document, RedisClient } from "./UniCloud.ts"

const createIt = {
  en: "create it in the uniCloud web console (Database > New collection), or upload its schema from uniCloud/database",
  zh: "请在 uniCloud web 控制台“云数据库”中新建该集合，或上传 uniCloud/database 下对应的 schema"
}
const missing = `${createIt.en} / ${createIt.zh}`

// who answers nothing is away, and has no say in what there is
const probeTime = 2_000

/** The store, unless its collection was never made: that is no outage, which one goes on without. */
const layerOf = (options: Omit<Slots.Options, "missing">): Layer.Layer<TokenCache, QQError> =>
  Layer.effect(
    TokenCache,
    Effect.tryPromise(() => Slots.exists(options.database.collection(options.collection))).pipe(
      Effect.orElseSucceed(() => true),
      Effect.timeoutOrElse({ duration: probeTime, orElse: () => Effect.succeed(true) }),
      Effect.flatMap((exists) =>
        exists
          ? Effect.sync(() => Slots.make({ ...options, missing }))
          : Effect.fail(
              invalidConfig(
                "store",
                `the collection ${options.collection} does not exist: ${createIt.en}`,
                `集合 ${options.collection} 不存在：${createIt.zh}`
              )
            )
      )
    )
  )

/** The collection of our own, unless another name is given. */
export const defaultCollection = "qq-mini-tokens"

/** Tokens in a collection of our own. Nobody but cloud functions may read it, as is the default of a new one. */
export const layerDatabase = (
  database: Database,
  options: { readonly collection?: string | undefined } = {}
): Layer.Layer<TokenCache, QQError> =>
  layerOf({ database, collection: options.collection ?? defaultCollection, id: (key) => key })

const ours = (id: string) => `${id}:qq-mini`

/** The document of another software as it stands, and the three ways to change it only if it is still the same. */
const document = (
  database: Database,
  collection: string,
  format: {
    readonly id: (appid: string) => string
    readonly read: (document: Document) => Slots.Found | undefined
    readonly write: (id: string, token: string, times: Slots.Times) => Document
  }
): Slots.Shared => ({
  read: async (appid) => {
    const [found] = await Slots.get(database.collection(collection), format.id(appid))
    return found === undefined ? undefined : format.read(found)
  },
  write: async (appid, over, token, times) => {
    const id = format.id(appid)
    const { _id, ...content } = format.write(id, token, times)
    if (over === undefined) await database.collection(collection).add({ _id, ...content })
    else
      await database
        .collection(collection)
        .where({ _id, ...over.raw })
        .updateAndReturn(content)
  },
  remove: async (appid, over) => {
    const theirs = database.collection(collection).where({ _id: format.id(appid), ...over.raw })
    Slots.check(await theirs.remove())
  }
})

const openData = "opendb-open-data"
const tokenKey = (appid: string) => `uni-id:qq-mp:${appid}:access-token`

const parse = (value: unknown): any => {
  if (typeof value !== "string") return value
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}

const openDataFormat: Parameters<typeof document>[2] = {
  id: tokenKey,
  read: ({ expired, value }) => {
    const token = parse(value)?.access_token
    if (typeof token !== "string" || token === "") return undefined
    return {
      token,
      expires: typeof expired === "number" && expired >= 0 ? expired : Slots.never,
      raw: typeof value === "string" ? { value } : { expired }
    }
  },
  write: (_id, token, { expires }) => ({ _id, value: JSON.stringify({ access_token: token }), expired: expires })
}

const besideOpenData = (database: Database, shared: Slots.Shared): Layer.Layer<TokenCache, QQError> =>
  layerOf({
    database,
    collection: openData,
    id: (key) => ours(tokenKey(Slots.appidOf(key))),
    fields: () => ({ expired: -1 }),
    shared
  })

/**
 * Tokens in `opendb-open-data`, as `uni-open-bridge-common` 1.1 keeps them in the database:
 * `{ _id: "uni-id:qq-mp:<appid>:access-token", value: '{"access_token":"…"}', expired: <epoch ms> }`. Where that is set
 * to Redis, use {@link layerOpenBridge}.
 */
export const layerOpenData = (database: Database): Layer.Layer<TokenCache, QQError> =>
  besideOpenData(database, document(database, openData, openDataFormat))

/** Which program `uni-open-bridge-common` is asked for; it notes in it the `appid` that it found configured for the app. */
export interface BridgeKey {
  readonly dcloudAppid: string | undefined
  readonly provider: "qq-mp"
  readonly appid?: string
}

/** `uni-open-bridge-common`, as far as it is used. */
export interface OpenBridge {
  /** Gives what the fallback gives where it has none. */
  readonly getAccessToken: (key: BridgeKey, fallback: () => Promise<{ readonly value: null }>) => Promise<unknown>
  readonly setAccessToken: (
    key: BridgeKey,
    value: { readonly access_token: string },
    seconds: number
  ) => Promise<unknown>
  readonly removeAccessToken: (key: BridgeKey) => Promise<unknown>
}

/**
 * Tokens through `uni-open-bridge-common`, wherever that keeps them (the database, and Redis before it). It has no lock
 * and tells no time, so a slot of ours in `opendb-open-data` holds both, and a token that others put there is asked for
 * again every 4 minutes.
 *
 * It knows a program by the app it belongs to, `dcloudAppid`, and only the one that `uni-config-center` names for that
 * app: where that is another one, the store fails.
 */
export const layerOpenBridge = (
  database: Database,
  bridge: OpenBridge,
  dcloudAppid: (appid: string) => string | undefined
): Layer.Layer<TokenCache, QQError> => {
  const ask = async <A>(appid: string, run: (key: BridgeKey) => Promise<A>): Promise<A> => {
    const key: BridgeKey = { dcloudAppid: dcloudAppid(appid), provider: "qq-mp" }
    const answer = await run(key)
    if (key.appid !== undefined && key.appid !== appid) {
      throw Object.assign(new Error("another program"), { code: "uni-open-bridge-has-another-appid-for-this-app" })
    }
    return answer
  }
  const read = async (appid: string): Promise<Slots.Found | undefined> => {
    const value: any = await ask(appid, (key) => bridge.getAccessToken(key, () => Promise.resolve({ value: null })))
    const token = value?.access_token
    return typeof token === "string" && token !== "" ? { token, expires: Slots.never, raw: {} } : undefined
  }
  const unless = async (appid: string, over: Slots.Found | undefined, then: (key: BridgeKey) => Promise<unknown>) => {
    if ((await read(appid))?.token === over?.token) await ask(appid, then)
  }
  return besideOpenData(database, {
    read,
    write: (appid, over, token, { expires, now }) =>
      unless(appid, over, (key) =>
        bridge.setAccessToken(key, { access_token: token }, Math.max(1, Math.floor((expires - now) / 1_000)))
      ),
    remove: (appid, over) => unless(appid, over, (key) => bridge.removeAccessToken(key))
  })
}

const two = (n: number) => String(n).padStart(2, "0")

/** `2026-11-24 18:30:00` of Beijing, as vk writes beside its times. */
const beijing = (millis: number): string => {
  const date = new Date(millis + 8 * 3_600_000)
  return `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
}

const vkData = "vk-global-data"
const vkLifetime = 240_000
const vkId = (appid: string) => `mp-qq-access_token-${appid}`

const vkFormat: Parameters<typeof document>[2] = {
  id: vkId,
  read: ({ _add_time, expired_at, value }) => {
    if (typeof value !== "string" || value === "") return undefined
    return {
      token: value,
      expires: typeof expired_at === "number" && expired_at > 0 ? expired_at : Slots.never,
      since: typeof _add_time === "number" ? _add_time : undefined,
      raw: { value }
    }
  },
  write: (_id, token, { expires, now }) => ({
    _id,
    key: _id,
    value: token,
    expired_at: expires,
    _add_time: now,
    _add_time_str: beijing(now)
  })
}

/**
 * Tokens in `vk-global-data`, as vk-unicloud keeps them:
 * `{ _id: "mp-qq-access_token-<appid>", key, value: "<token>", expired_at: <epoch ms>, _add_time, _add_time_str }`.
 *
 * A vk that still runs fetches every 240 seconds, which ends the token of everybody else, so a token is used no longer
 * here either. When no vk is left for the appid, another store saves those fetches.
 */
export const layerVk = (database: Database): Layer.Layer<TokenCache, QQError> =>
  layerOf({
    database,
    collection: vkData,
    id: (key) => ours(vkId(Slots.appidOf(key))),
    fields: (id) => ({ key: id, expired_at: 0 }),
    shared: document(database, vkData, vkFormat),
    maxLifetime: vkLifetime
  })

const reasonOf = (error: any): string => {
  const message = String(error?.message ?? "")
  const word = /^[A-Z]{2,20}(?= )/.exec(message)?.[0] ?? error?.code
  return typeof word === "string" && /^[\w-]{1,40}$/.test(word) ? word : "it failed"
}

/** That `uniCloud.redis()` can't be used, and the step that enables it. */
export const enableRedis = (why: string): QQError =>
  invalidConfig(
    "store",
    `uniCloud.redis() can't be used (${why}): open Redis in the uniCloud console, and add "extensions": {"uni-cloud-redis": {}} to the cloud function's package.json`,
    `无法使用 uniCloud.redis()（${why}）：请在 uniCloud 控制台开通 Redis，并在云函数的 package.json 中加入 "extensions": {"uni-cloud-redis": {}}`
  )

const failed = (error: unknown) => {
  const code = reasonOf(error)
  return new Redis.RedisError({ cause: Object.assign(new Error(code), { code }) })
}

/**
 * Tokens and quotas in the Redis of `uniCloud.redis()`, below `qq-mini:`. Fails with the step that enables Redis when it
 * can't be had.
 */
export const layerRedis = (
  redis: () => RedisClient,
  options: RedisTokenCache.Options = {}
): Layer.Layer<TokenCache | Quota.Quota, QQError> =>
  Layer.unwrap(
    Effect.try({ try: redis, catch: (error) => enableRedis(reasonOf(error)) }).pipe(
      Effect.map((client) =>
        Layer.merge(RedisTokenCache.layerUnwatched(options), RedisQuota.layer(options)).pipe(
          Layer.provide(
            RedisTokenCache.layerEval((lua, keys, params) =>
              Effect.tryPromise({ try: async () => client.eval(lua, keys, ...params), catch: failed })
            )
          )
        )
      )
    )
  )

/**
 * The session key that `uni-id-co` kept for a user when it logged in, or `undefined` when there is none or its time is
 * over. It must never reach a client.
 */
export const sessionKey = (
  database: Database,
  user: { readonly appid: string; readonly openid: string }
): Effect.Effect<Redacted.Redacted<string> | undefined, TokenCacheError> =>
  Effect.tryPromise({
    try: async () => {
      const id = `uni-id:qq-mp:${user.appid}:${user.openid}:session-key`
      const [{ expired, value } = {}] = await Slots.get(database.collection(openData), id)
      const key = parse(value)?.session_key
      const over = typeof expired === "number" && expired >= 0 && expired <= Date.now()
      return typeof key === "string" && key !== "" && !over ? Redacted.make(key) : undefined
    },
    catch: (error) => Slots.failure("read", error, { collection: openData, missing })
  })
