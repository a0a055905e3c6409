/**
 * QQ's limits kept by all processes together: the rolling window of `Quota`, counted in Redis.
 *
 * Each reservation is one script on the server's clock. While Redis is away each process keeps the limits for itself, by
 * what it took so far; every second one call looks whether Redis is back. A Redis that takes longer than 0.7 seconds is
 * away, because a place would be too old by then.
 *
 * `effect/persistence/RateLimiter` can't keep QQ's limits: its fixed window lets twice the limit through around a
 * boundary, and its token bucket lets a full bucket through beside what it refills in the same minute.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Schema from "effect/Schema"
import { monotonicMillis, patient } from "./internal/time.ts"
import { shape, windowMillis, Windows } from "./internal/windows.ts"
import { type Counted, type Limit, type Place, Quota, QuotaError } from "./Quota.ts"
import { type Options, problemOf } from "./RedisTokenCache.ts"

// Nobody waits for more windows than this; a place farther ahead was taken by a clock that has been set back since.
const farthest = 16

// KEYS: what QQ's refusals left, and a hash for each window. ARGV begins with the windows: for each its limit and the
// width of its slots. A window's hash holds how many places are taken, by the number of the slot.
const head = `
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local held = ${shape.slotsHeld}
local inf = 1 / 0
local first = #KEYS * 2 - 1
local function field(key, name) return tonumber(redis.call('HGET', key, name) or nil) or -inf end
local closed = field(KEYS[1], 'until')
local windows = {}
for i = 2, #KEYS do
  local w = { key = KEYS[i], max = tonumber(ARGV[i * 2 - 3]), width = tonumber(ARGV[i * 2 - 2]), counts = {}, newest = -inf }
  local all = redis.call('HGETALL', w.key)
  local old = math.floor(now / w.width) - held
  local ahead = math.floor(now / w.width) + ${shape.slotsInWindow * farthest}
  for j = 1, #all, 2 do
    local slot = tonumber(all[j])
    if slot <= old or slot > ahead then
      redis.call('HDEL', w.key, all[j])
    else
      w.counts[slot] = tonumber(all[j + 1])
      w.newest = math.max(w.newest, slot)
    end
  end
  windows[i - 1] = w
end
local function used(w, slot)
  local sum = 0
  for s, count in pairs(w.counts) do
    if s > slot - held and s <= slot then sum = sum + count end
  end
  return sum
end
`

const reserve = `
local function earliest(w, time)
  if w.max < 1 then return inf end
  local slot = math.floor(time / w.width)
  if w.newest <= slot and used(w, slot) < w.max then return time end
  slot = math.max(slot, w.newest)
  local taken = used(w, slot)
  while taken >= w.max do
    slot = slot + 1
    taken = taken - (w.counts[slot - held] or 0)
  end
  return math.max(time, slot * w.width)
end
local time = math.max(now + tonumber(ARGV[first + 1]), closed)
local moved = true
while moved and time < inf do
  moved = false
  for _, w in ipairs(windows) do
    local next = earliest(w, time)
    if next > time then
      time = next
      moved = true
    end
  end
end
local wait = math.ceil(time - now)
local shut = string.format('%.0f', math.max(0, closed - now))
local most = tonumber(ARGV[first])
for _, w in ipairs(windows) do most = math.min(most, w.width * ${shape.slotsInWindow * farthest}) end
if wait > most then return { 0, tostring(wait), shut } end
local reply = { 1, tostring(wait), shut }
for _, w in ipairs(windows) do
  local slot = string.format('%.0f', math.floor(time / w.width))
  redis.call('HINCRBY', w.key, slot, 1)
  redis.call('PEXPIRE', w.key, math.ceil(wait + w.width * (held + 1)))
  reply[#reply + 1] = slot
end
return reply`

const release = `
for i, w in ipairs(windows) do
  local slot = ARGV[first - 1 + i]
  local count = w.counts[tonumber(slot)]
  if count and count > 1 then
    redis.call('HINCRBY', w.key, slot, -1)
  elseif count then
    redis.call('HDEL', w.key, slot)
  end
end
return 1`

const left = `
local least = inf
for _, w in ipairs(windows) do
  least = math.min(least, math.max(0, w.max - used(w, math.floor(now / w.width))))
end
if now < closed then least = 0 end
return tostring(least)`

const { first, longest, memory } = shape.closed
const refused = `
if now >= closed then
  local times = 1
  if now - closed < ${memory} then times = field(KEYS[1], 'times') + 1 end
  closed = now + math.min(${longest}, ${first} * 2 ^ (times - 1))
  redis.call('HSET', KEYS[1], 'until', string.format('%.0f', closed), 'times', times)
  redis.call('PEXPIRE', KEYS[1], ${longest + memory})
end
return string.format('%.0f', closed - now)`

const script = <Result>(lua: string) =>
  Redis.script(
    (keys: ReadonlyArray<string>, limits: ReadonlyArray<Limit>, ...rest: ReadonlyArray<string | number>) => [
      ...keys,
      ...limits.flatMap((limit) => [limit.max, windowMillis[limit.per] / shape.slotsInWindow]),
      ...rest
    ],
    { lua: head + lua, numberOfKeys: (keys) => keys.length }
  ).withReturnType<Result>()

const scripts = {
  reserve: script<unknown>(reserve),
  release: script<number>(release),
  left: script<string>(left),
  refused: script<string>(refused)
}

// Lua writes infinity so
const Amount = Schema.Union([Schema.FiniteFromString, Schema.Literal("inf")])
const millis = (amount: typeof Amount.Type) => (amount === "inf" ? Infinity : amount)
const decodePlace = Schema.decodeUnknownEffect(
  Schema.TupleWithRest(Schema.Tuple([Schema.Literals([0, 1]), Amount, Schema.FiniteFromString]), [
    Schema.FiniteFromString
  ])
)

// a place that is granted later than this would be used too late; and so often a Redis that is away is looked for
const timeout = 700
const away = 1_000

/** A limiter over the Redis that is provided. */
export const make = Effect.fnUntraced(function* ({ prefix = "qq-mini:" }: Options = {}) {
  const redis = yield* Redis.Redis
  // what this process itself took, and what it knows of QQ's refusals: all there is while Redis is away, and what Redis
  // may not know of when it is back
  const own = new Windows()
  let lost = false
  // A Redis that is away is asked by one call a second. Not by a circuit breaker: the one who probes may be forgotten by its
  // runtime, as Workers does with requests whose client is gone, and would hold the probe's place for ever.
  let nextLook = 0
  const unlessAway = <A>(effect: Effect.Effect<A, QuotaError>): Effect.Effect<A, QuotaError> =>
    Effect.flatMap(monotonicMillis, (now) => {
      if (!lost) return effect
      if (now < nextLook) return Effect.fail(new QuotaError({ problem: "it is away" }))
      nextLook = now + away
      return effect
    })

  const run = <Result>(
    of: Redis.Script<{
      params: [ReadonlyArray<string>, ReadonlyArray<Limit>, ...Array<string | number>]
      result: Result
    }>,
    counted: Counted,
    ...rest: ReadonlyArray<string | number>
  ): Effect.Effect<Result, QuotaError> => {
    const limits = counted.limits.filter((limit) => limit.keptBy === "client")
    // one slot of a cluster for all keys of a call
    const base = `${prefix}quota:{${counted.key}}`
    const keys = [base, ...limits.map((limit) => `${base}:${limit.max}/${limit.per}`)]
    return redis
      .eval(of)(keys, limits, ...rest)
      .pipe(
        Effect.mapError((error) => new QuotaError({ problem: problemOf(error) })),
        (effect) => patient(effect, timeout, () => new QuotaError({ problem: "no answer in time" })),
        Effect.onExit((exit) => {
          const failure = Exit.isSuccess(exit) ? undefined : Cause.findFail(exit.cause)
          // a caller that gave up says nothing about Redis
          if (failure?._tag === "Failure" || (failure !== undefined) === lost) return Effect.void
          lost = failure !== undefined
          if (failure === undefined) return Effect.logInfo("QQ's quotas are counted in Redis again")
          return Effect.andThen(
            Effect.map(monotonicMillis, (now) => (nextLook = now + away)),
            Effect.logWarning(
              `QQ's quotas can't be counted in Redis (${failure.success.error.problem}), counting in this process alone`
            )
          )
        }),
        unlessAway
      )
  }

  return Quota.of({
    reserve: ({ maxWait, ...counted }) =>
      Effect.gen(function* (): Effect.fn.Return<Place, QuotaError> {
        const asked = yield* monotonicMillis
        const notBefore = Math.ceil(own.earliest(counted, asked) - asked)
        if (notBefore > maxWait) return { granted: false, wait: notBefore, ticket: [] }
        const reply = yield* Effect.result(
          run(scripts.reserve, counted, Math.min(maxWait, Number.MAX_SAFE_INTEGER), notBefore)
        )
        const now = yield* monotonicMillis
        if (reply._tag === "Failure") {
          // looked at again, since others were answered alike meanwhile
          const wait = Math.ceil(own.earliest(counted, now) - now)
          if (wait > maxWait) return { granted: false, wait, ticket: [] }
          return { granted: true, wait, ticket: own.take(counted, now + wait, now) }
        }
        const [granted, amount, closed, ...slots] = yield* Effect.mapError(
          decodePlace(reply.success),
          () => new QuotaError({ problem: "the reply can't be read" })
        )
        if (closed > 0) own.close(counted, now + closed)
        const wait = millis(amount)
        if (granted === 0) return { granted: false, wait, ticket: [] }
        return { granted: true, wait, ticket: [...own.take(counted, now + wait, now), ...slots] }
      }),
    release: ({ ticket, ...counted }) =>
      Effect.suspend(() => {
        own.giveBack(counted, ticket)
        const slots = ticket.slice(counted.limits.filter((limit) => limit.keptBy === "client").length)
        return slots.length === 0 ? Effect.void : Effect.asVoid(run(scripts.release, counted, ...slots))
      }),
    left: (counted) =>
      Effect.flatMap(monotonicMillis, (now) =>
        run(scripts.left, counted).pipe(
          Effect.map((amount) => Math.min(own.left(counted, now), amount === "inf" ? Infinity : Number(amount))),
          Effect.orElseSucceed(() => own.left(counted, now))
        )
      ),
    refused: (counted) =>
      Effect.flatMap(Effect.zip(Effect.result(run(scripts.refused, counted)), monotonicMillis), ([closed, now]) =>
        Effect.sync(() => {
          if (closed._tag === "Success") own.close(counted, now + Number(closed.success))
          else own.refused(counted, now)
        })
      ),
    isClosed: (counted) => Effect.map(monotonicMillis, (now) => own.isClosed(counted, now))
  })
})

/** The limiter over the Redis that is provided. */
export const layer = (options?: Options): Layer.Layer<Quota, never, Redis.Redis> => Layer.effect(Quota, make(options))
