/**
 * The handled messages of QQ in Redis: a message is handled once by any number of processes and machines.
 *
 * Each message is one hash and each operation one script, so every operation is atomic. Times come from the server's
 * clock. It needs the same permissions as the store of tokens. Needs Redis 5 or newer, or a compatible server that runs
 * Lua scripts.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import { redis as redisErrors, shown } from "./internal/shown.ts"
import { nobody, PushStore, PushStoreError } from "./PushStore.ts"

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

const set = `redis.call('HSET', KEYS[1], 'owner', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])`

const claim = script<[owner: string, ttl: number]>(`
local owner = redis.call('HGET', KEYS[1], 'owner')
if owner and owner ~= ARGV[1] then return owner end
${set}
return ARGV[1]`)

const done = script<[owner: string, ttl: number]>(set)

const release = script<[owner: string]>(`
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('HDEL', KEYS[1], 'owner') end`)

/** Makes a store over the provided Redis. */
export const make = Effect.fnUntraced(function* ({ prefix = "qq-mini:" }: Options = {}) {
  const redis = yield* Redis.Redis
  const run = <Params extends ReadonlyArray<string | number>, Result>(
    operation: PushStoreError["operation"],
    of: Redis.Script<{ params: readonly [key: string, ...Params]; result: Result }>,
    key: string,
    ...params: Params
  ): Effect.Effect<Result, PushStoreError> =>
    Effect.mapError(
      redis.eval(of)(`${prefix}push:{${key}}`, ...params),
      (error) => new PushStoreError({ operation, problem: shown(error, redisErrors) })
    )
  return PushStore.of({
    claim: (key, { owner, ttl }) =>
      Effect.map(run("claim", claim, key, owner, Math.ceil(ttl)), (found) =>
        found === owner ? "first" : found === nobody ? "done" : "busy"
      ),
    done: (key, { ttl }) => Effect.asVoid(run("done", done, key, nobody, Math.ceil(ttl))),
    release: (key, { owner }) => Effect.asVoid(run("release", release, key, owner))
  })
})

/** The store over the provided Redis. */
export const layer = (options?: Options): Layer.Layer<PushStore, never, Redis.Redis> =>
  Layer.effect(PushStore, make(options))
