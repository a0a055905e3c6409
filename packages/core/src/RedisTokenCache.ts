/**
 * Tokens in Redis: one store for processes and machines without number.
 *
 * Each slot is one hash, each operation one script, so all is atomic; times are the server's. The key of a slot carries a
 * hash tag, so it works on a cluster too. Whoever waits for another's fetch is woken by a message. Redis 5 or newer, or
 * what speaks its protocol and runs its scripts.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Redis from "effect/persistence/Redis"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { peek, redis as redisErrors, shown } from "./internal/shown.ts"
import { InvalidConfig } from "./reason/client.ts"
import { type Key, TokenCache, TokenCacheError } from "./TokenCache.ts"

// Other clients keep their own settings, and in them their secrets, under the same name.
const configOf = (error: Redis.RedisError): InvalidConfig | undefined => {
  const config = peek(peek(error, "cause"), "config")
  return Result.getOrElse(
    Result.try(() => (config instanceof InvalidConfig ? config : undefined)),
    () => undefined
  )
}

/**
 * Runs a script on a Redis: as the command `EVAL` takes it. A failure whose cause has an `InvalidConfig` as its `config` is
 * one of the settings, and no outage.
 */
export type Evaluate = (
  lua: string,
  numberOfKeys: number,
  params: ReadonlyArray<string>
) => Effect.Effect<unknown, Redis.RedisError>

/** A `Redis` of no more than `EVAL`, as clients of serverless platforms are. It is all that the stores here need. */
export const layerEval = (evaluate: Evaluate): Layer.Layer<Redis.Redis> => {
  const unsupported = Effect.fail(new Redis.RedisError({ cause: new Error("UNSUPPORTED by this client of Redis") }))
  return Layer.succeed(
    Redis.Redis,
    Redis.Redis.of({
      send: () => unsupported,
      subscribe: () => Effect.never,
      reserve: unsupported,
      eval:
        (script) =>
        (...params) =>
          evaluate(script.lua, script.numberOfKeys(...params), script.params(...params).map(String)) as Effect.Effect<
            any,
            Redis.RedisError
          >
    })
  )
}

/** How the keys in Redis begin. */
export interface Options {
  /** By default `qq-mini:`. */
  readonly prefix?: string | undefined
}

// T10: times are the server's. A slot that nobody used for 30 days goes; generations start again from the server's
// time, so they only ever grow.
const head = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local key = KEYS[1]
local function get(...) return redis.call('HMGET', key, ...) end
local function set(...)
  redis.call('HSET', key, ...)
  redis.call('PEXPIRE', key, 2592000000)
end
local function int(n) return string.format('%.0f', n) end
`

// whoever may not publish may still write; others look again by themselves
const tell = `redis.pcall('PUBLISH', ARGV[1], ARGV[2])`

const script = <Params extends ReadonlyArray<string | number>, Result>(lua: string) =>
  Redis.script((...params: readonly [key: string, channel: string, slot: string, ...Params]) => params, {
    lua: head + lua,
    numberOfKeys: 1
  }).withReturnType<Result>()

const read = script<[], unknown>(`
local s = get('generation', 'token', 'lifetime', 'expires', 'leased', 'history')
local left = math.max(0, (tonumber(s[4]) or 0) - now)
local token = ''
if left > 0 and s[2] then token = s[2] end
if token == '' then left = 0 end
return {s[1] or '0', token, s[3] or '0', int(left), int(math.max(0, (tonumber(s[5]) or 0) - now)), int(now), s[6] or ''}`)

// T1, T9
const lease = script<[owner: string, generation: number, ttl: number], number>(`
local s = get('generation', 'owner', 'leased')
if (tonumber(s[1]) or 0) ~= tonumber(ARGV[4]) then return 0 end
if (tonumber(s[3]) or 0) > now and s[2] ~= ARGV[3] then return 0 end
set('owner', ARGV[3], 'leased', int(now + ARGV[5]))
return 1`)

// T2
const write = script<[owner: string, generation: number, token: string, ttl: number, history: string], string | null>(`
local s = get('generation', 'owner')
if (tonumber(s[1]) or 0) ~= tonumber(ARGV[4]) or s[2] ~= ARGV[3] then return false end
local generation = int(math.max(ARGV[4] + 1, now))
set('generation', generation, 'token', ARGV[5], 'lifetime', ARGV[6], 'expires', int(now + ARGV[6]), 'leased', '0',
  'history', ARGV[7])
${tell}
return generation`)

// T3
const remove = script<[generation: number], number>(`
local s = get('generation', 'token')
if (tonumber(s[1]) or 0) ~= tonumber(ARGV[3]) or not s[2] then return 0 end
redis.call('HDEL', key, 'token')
return 1`)

const release = script<[owner: string], number>(`
if get('owner')[1] ~= ARGV[3] then return 0 end
set('leased', '0')
${tell}
return 1`)

const decodeSlot = Schema.decodeUnknownEffect(
  Schema.Tuple([
    Schema.FiniteFromString,
    Schema.String,
    Schema.FiniteFromString,
    Schema.FiniteFromString,
    Schema.FiniteFromString,
    Schema.FiniteFromString,
    Schema.String
  ])
)

/** A store over the Redis that is provided. */
export const make = Effect.fnUntraced(function* ({ prefix = "qq-mini:" }: Options = {}) {
  const redis = yield* Redis.Redis
  const scope = yield* Effect.scope
  const channel = `${prefix}token`

  const run = <Params extends ReadonlyArray<string | number>, Result>(
    operation: TokenCacheError["operation"],
    of: Redis.Script<{
      params: readonly [key: string, channel: string, slot: string, ...Params]
      result: Result
    }>,
    slot: Key,
    ...params: Params
  ): Effect.Effect<Result, TokenCacheError> =>
    Effect.mapError(
      redis.eval(of)(`${channel}:{${slot}}`, channel, slot, ...params),
      (error) =>
        new TokenCacheError({
          operation,
          problem: shown(error, redisErrors),
          config: configOf(error)
        })
    )

  // One subscription for all slots, which begins when the first one is watched.
  const watchers = new Map<Key, Set<Latch.Latch>>()
  const wake = (slot: Key) => {
    for (const latch of watchers.get(slot) ?? []) latch.openUnsafe()
  }
  const ready = yield* Deferred.make<void>()
  let listening = false
  const listen = Effect.suspend(() => {
    if (listening) return Effect.void
    listening = true
    return Effect.scoped(
      Effect.gen(function* () {
        const messages = yield* redis.subscribe(channel)
        yield* Deferred.succeed(ready, undefined)
        yield* Effect.forever(Effect.map(Queue.take(messages), ({ message }) => wake(message)))
      })
    ).pipe(
      // what is missed costs a later look
      Effect.ignore,
      Effect.andThen(Effect.sleep("1 second")),
      Effect.forever,
      // a connection that is being made can't be interrupted, and nobody's end need wait for it
      Effect.forkDetach,
      Effect.tap((fiber) =>
        Scope.addFinalizer(
          scope,
          Effect.sync(() => fiber.interruptUnsafe())
        )
      )
    )
  })

  return TokenCache.of({
    read: (slot) =>
      Effect.flatMap(run("read", read, slot), (reply) =>
        Effect.mapBoth(decodeSlot(reply), {
          onSuccess: ([generation, token, lifetime, expiresIn, leasedFor, now, history]) => ({
            generation,
            token: token === "" ? undefined : Redacted.make(token),
            lifetime,
            expiresIn,
            leasedFor,
            now,
            history
          }),
          onFailure: () => new TokenCacheError({ operation: "read", problem: "the slot can't be read" })
        })
      ),
    lease: (slot, { generation, owner, ttl }) =>
      Effect.map(run("lease", lease, slot, owner, generation, Math.ceil(ttl)), (reply) => reply === 1),
    write: (slot, { generation, history, owner, token, ttl }) =>
      Effect.map(
        run("write", write, slot, owner, generation, Redacted.value(token), Math.floor(ttl), history),
        (reply) => (reply === null ? undefined : Number(reply))
      ),
    remove: (slot, { generation }) => Effect.map(run("remove", remove, slot, generation), (reply) => reply === 1),
    release: (slot, { owner }) => Effect.asVoid(run("release", release, slot, owner)),
    watch: (slot) =>
      Effect.andThen(
        Effect.andThen(listen, Deferred.await(ready)),
        Effect.map(
          Effect.acquireRelease(
            Effect.sync(() => {
              const latch = Latch.makeUnsafe()
              watchers.set(slot, (watchers.get(slot) ?? new Set()).add(latch))
              return latch
            }),
            (latch) =>
              Effect.sync(() => {
                const others = watchers.get(slot)
                others?.delete(latch)
                if (others?.size === 0) watchers.delete(slot)
              })
          ),
          (latch) => Effect.andThen(latch.await, latch.close)
        )
      )
  })
})

/** The store over the Redis that is provided. */
export const layer = (options?: Options): Layer.Layer<TokenCache, never, Redis.Redis> =>
  Layer.effect(TokenCache, make(options))

/** The store over a Redis that calls nobody: whoever waits looks again. */
export const layerUnwatched = (options?: Options): Layer.Layer<TokenCache, never, Redis.Redis> =>
  Layer.effect(
    TokenCache,
    Effect.map(make(options), (cache) => TokenCache.of({ ...cache, watch: undefined }))
  )
