/**
 * The verdicts of content checks in Redis: the same content is checked once by any number of processes and machines.
 *
 * Each verdict is one hash and each operation one script, so every operation is atomic. Times come from the server's
 * clock. It needs the same permissions as the store of tokens. Needs Redis 5 or newer, or a compatible server that runs
 * Lua scripts.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import { redis as redisErrors, shown } from "./internal/shown.ts"
import { type Claim, VerdictStore, VerdictStoreError } from "./VerdictStore.ts"

/** Options of the store. */
export interface Options {
  /** The prefix of all keys. By default `qq-mini:`. */
  readonly prefix?: string | undefined
}

const script = <Params extends ReadonlyArray<string | number>, Result = unknown>(lua: string) =>
  Redis.script((...params: readonly [key: string, ...Params]) => params, {
    lua,
    numberOfKeys: 1
  }).withReturnType<Result>()

const get = script<[], string | null>(`return redis.call('HGET', KEYS[1], 'value')`)

const claim = script<[owner: string, ttl: number], Claim>(`
local found = redis.call('HMGET', KEYS[1], 'value', 'owner')
if found[1] then return 'kept' end
if found[2] and found[2] ~= ARGV[1] then return 'busy' end
redis.call('HSET', KEYS[1], 'owner', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 'claimed'`)

const put = script<[value: string, ttl: number]>(`
redis.call('HDEL', KEYS[1], 'owner')
redis.call('HSET', KEYS[1], 'value', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])`)

const release = script<[owner: string]>(`
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('HDEL', KEYS[1], 'owner') end`)

/** Makes a store over the provided Redis. */
export const make = Effect.fnUntraced(function* ({ prefix = "qq-mini:" }: Options = {}) {
  const redis = yield* Redis.Redis
  const run = <Params extends ReadonlyArray<string | number>, Result>(
    operation: VerdictStoreError["operation"],
    of: Redis.Script<{ params: readonly [key: string, ...Params]; result: Result }>,
    key: string,
    ...params: Params
  ): Effect.Effect<Result, VerdictStoreError> =>
    Effect.mapError(
      redis.eval(of)(`${prefix}verdict:{${key}}`, ...params),
      (error) => new VerdictStoreError({ operation, problem: shown(error, redisErrors) })
    )
  return VerdictStore.of({
    get: (key) => Effect.map(run("get", get, key), (value) => value ?? undefined),
    claim: (key, { owner, ttl }) => run("claim", claim, key, owner, Math.ceil(ttl)),
    put: (key, { ttl, value }) => Effect.asVoid(run("put", put, key, value, Math.ceil(ttl))),
    release: (key, { owner }) => Effect.asVoid(run("release", release, key, owner))
  })
})

/** The store over the provided Redis. */
export const layer = (options?: Options): Layer.Layer<VerdictStore, never, Redis.Redis> =>
  Layer.effect(VerdictStore, make(options))
