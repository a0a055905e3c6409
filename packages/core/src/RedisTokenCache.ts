/**
 * Tokens in Redis: one store for any number of processes and machines.
 *
 * Each slot is one hash and each operation one script, so every operation is atomic. Times come from the server's
 * clock. The key of a slot has a hash tag, so it works on a cluster too. Processes that wait for another's fetch are
 * notified by a message. Needs Redis 5 or newer, or a compatible server that runs Lua scripts.
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

// Only an InvalidConfig is used: the `config` of other clients' errors holds their settings, which contain secrets.
const configOf = (error: Redis.RedisError): InvalidConfig | undefined => {
  const config = peek(peek(error, "cause"), "config")
  return Result.getOrElse(
    Result.try(() => (config instanceof InvalidConfig ? config : undefined)),
    () => undefined
  )
}

/**
 * Runs a Lua script on Redis, with the arguments of the command `EVAL`. If the cause of a failure has an
 * `InvalidConfig` in its property `config`, the settings are wrong, and the failure is not an outage.
 */
export type Evaluate = (
  lua: string,
  numberOfKeys: number,
  params: ReadonlyArray<string>
) => Effect.Effect<unknown, Redis.RedisError>

/** Subscribes to a channel, as the service `Redis` does. */
export type Subscribe = Redis.Redis["Service"]["subscribe"]

const command = "return redis.call(unpack(ARGV))"

// What decides on which node of a cluster a command runs. SCAN finds the keys of one node, so it runs where the hash tag
// of its pattern leads.
const keyOf = (name: string, args: ReadonlyArray<string>): string | undefined =>
  /^scan$/i.test(name) ? args[1 + args.findIndex((arg) => /^match$/i.test(arg))] : args[0]

/**
 * A `Redis` service over a client of scripts. It has subscriptions where the client has them; without, use
 * {@link layerUnwatched}. A single command runs in a script: its first argument is the key, and `SCAN` finds, on a
 * cluster, only keys with the hash tag of its pattern. No connection can be reserved.
 */
export const layerEval = (evaluate: Evaluate, subscribe: Subscribe = () => Effect.never): Layer.Layer<Redis.Redis> => {
  const unsupported = Effect.fail(new Redis.RedisError({ cause: new Error("UNSUPPORTED by this client of Redis") }))
  return Layer.succeed(
    Redis.Redis,
    Redis.Redis.of({
      send: (name, ...args) => {
        const key = keyOf(name, args)
        const keys = key === undefined ? [] : [key]
        return evaluate(command, keys.length, [...keys, name, ...args]) as Effect.Effect<any, Redis.RedisError>
      },
      subscribe,
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

/** Options of the stores in Redis. */
export interface Options {
  /** The prefix of all keys. By default `qq-mini:`. */
  readonly prefix?: string | undefined
}

// T10: times come from the server's clock. A slot that is unused for 30 days is deleted. A new slot's generations start
// from the server's time, so generations always grow.
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

// `pcall`: a user without the permission to publish can still write. The waiting processes then find the change by
// polling.
const notify = `redis.pcall('PUBLISH', ARGV[1], ARGV[2])`

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
${notify}
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
${notify}
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

/** Makes a store over the provided Redis. */
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

  // One subscription for all slots. It starts with the first watched slot.
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
      // A missed message only delays a waiting process until its next poll.
      Effect.ignore,
      Effect.andThen(Effect.sleep("1 second")),
      Effect.forever,
      // A connection attempt can't be interrupted, so the scope must not wait for it.
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

/** The store over the provided Redis. */
export const layer = (options?: Options): Layer.Layer<TokenCache, never, Redis.Redis> =>
  Layer.effect(TokenCache, make(options))

/** The store over a Redis client without subscriptions: waiting processes poll the store. */
export const layerUnwatched = (options?: Options): Layer.Layer<TokenCache, never, Redis.Redis> =>
  Layer.effect(
    TokenCache,
    Effect.map(make(options), (cache) => TokenCache.of({ ...cache, watch: undefined }))
  )
