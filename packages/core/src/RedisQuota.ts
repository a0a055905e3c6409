/**
 * QQ's limits kept by all processes together: the rolling window of `Quota`, counted in Redis.
 *
 * Each reservation is one script on the server's clock; the answers that came since travel with it. Places of a process
 * that died end at their deadlines. While Redis is away each process keeps the limits for itself, by what it took so far;
 * every second one call looks whether Redis is back. A Redis that takes longer than 0.7 seconds is away.
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
import { type Counted, type Limit, type Place, Quota, QuotaError, reserveIn, type Ticket } from "./Quota.ts"
import { type Options, problemOf } from "./RedisTokenCache.ts"

// Nobody waits for more windows than this; a place farther ahead was taken by a clock that has been set back since.
const farthest = 16

// KEYS: what QQ's refusals left, and a hash for each window. ARGV begins with the windows: for each its limit and the
// width of its slots. A window's hash holds, as `Window` does, how many places ended or are booked by their slot, and by
// `o` and the slot of their deadline how many are open.
const head = `
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local held = ${shape.slotsHeld}
local inf = 1 / 0
local first = #KEYS * 2 - 1
local function field(key, name) return tonumber(redis.call('HGET', key, name) or nil) or -inf end
local closed = field(KEYS[1], 'until')
local function text(slot) return string.format('%.0f', slot) end
local windows = {}
for i = 2, #KEYS do
  local width = tonumber(ARGV[i * 2 - 2])
  local present = math.floor(now / width)
  local w = { key = KEYS[i], max = tonumber(ARGV[i * 2 - 3]), width = width, present = present, [''] = {}, o = {} }
  local all = redis.call('HGETALL', w.key)
  for j = 1, #all, 2 do
    local open, slot = string.match(all[j], '^(o?)(%d+)$')
    slot = tonumber(slot)
    if not slot or slot <= present - held or slot > present + ${shape.slotsInWindow * farthest} then
      redis.call('HDEL', w.key, all[j])
    else
      w[open][slot] = tonumber(all[j + 1])
    end
  end
  windows[i - 1] = w
end
local function add(w, open, slot, by)
  local count = (w[open][slot] or 0) + by
  if count > 0 then
    w[open][slot] = count
    redis.call('HSET', w.key, open .. text(slot), text(count))
    local last = math.max(w.present, slot) + held + 1
    if redis.call('PTTL', w.key) < last * w.width - now then
      redis.call('PEXPIRE', w.key, math.ceil(last * w.width - now))
    end
  elseif w[open][slot] then
    w[open][slot] = nil
    redis.call('HDEL', w.key, open .. text(slot))
  end
end
local function used(w, slot)
  local sum = 0
  for s, count in pairs(w['']) do
    if s > slot - held and s <= slot then sum = sum + count end
  end
  for s, count in pairs(w.o) do
    if math.min(s, w.present) > slot - held then sum = sum + count end
  end
  return sum
end
-- the places that ended: how many, and for each its age and its slots
local next = first + 1
for n = 1, tonumber(ARGV[first]) do
  for i, w in ipairs(windows) do
    local slot = tonumber(ARGV[next + i])
    if w.o[slot] then
      add(w, 'o', slot, -1)
      add(w, '', math.min(slot, math.floor((now - tonumber(ARGV[next])) / w.width)), 1)
    end
  end
  next = next + 1 + #windows
end
-- a place or booking that is given back: whether it was taken, and its slots
local function giveBack()
  for i, w in ipairs(windows) do add(w, ARGV[next] == '1' and 'o' or '', tonumber(ARGV[next + i]), -1) end
  next = next + 1 + #windows
end
`

const reserve = `
local booked = ARGV[next] ~= ''
if booked then giveBack() else next = next + 1 end
local function earliest(w, time)
  if w.max < 1 then return inf end
  local slot = math.floor(time / w.width)
  if not booked then
    for s in pairs(w['']) do slot = math.max(slot, s) end
  end
  while used(w, slot) >= w.max do slot = slot + 1 end
  return math.max(time, slot * w.width)
end
local time = math.max(now + tonumber(ARGV[next + 2]), closed)
local moved = true
while moved and time < inf do
  moved = false
  for _, w in ipairs(windows) do
    local later = earliest(w, time)
    if later > time then
      time = later
      moved = true
    end
  end
end
local wait = math.ceil(time - now)
local shut = text(math.max(0, closed - now))
local most = tonumber(ARGV[next])
for _, w in ipairs(windows) do most = math.min(most, w.width * ${shape.slotsInWindow * farthest}) end
if wait > most then return { 0, tostring(wait), shut } end
local reply = { 1, tostring(wait), shut, wait > 0 and '0' or '1' }
for _, w in ipairs(windows) do
  local slot = math.floor((wait > 0 and time or now + tonumber(ARGV[next + 1])) / w.width)
  add(w, wait > 0 and '' or 'o', slot, 1)
  reply[#reply + 1] = text(slot)
end
return reply`

const release = `
giveBack()
return 1`

const left = `
local least = inf
for _, w in ipairs(windows) do
  least = math.min(least, math.max(0, w.max - used(w, w.present)))
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
      ...limits.flatMap((limit) => [limit.max, windowMillis(limit.per) / shape.slotsInWindow]),
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

// How long Redis may take, and how often a Redis that is away is tried (ms).
const timeout = 700
const away = 1_000

// How many ended places of a call wait to be reported. More are not on their way at once.
const mostEnded = 1_000

/** What this process counts a place by, and what Redis does, if Redis granted it. */
const partsOf = (
  { limits }: Counted,
  ticket: Ticket | undefined
): readonly [own: Ticket | undefined, inRedis: Ticket | undefined] => {
  if (ticket === undefined) return [undefined, undefined]
  const length = 1 + limits.filter((limit) => limit.keptBy === "client").length
  const inRedis = ticket.slice(length)
  return [ticket.slice(0, length), inRedis.length === 0 ? undefined : inRedis]
}

/** A limiter over the Redis that is provided. */
export const make = Effect.fnUntraced(function* ({ prefix = "qq-mini:" }: Options = {}) {
  const redis = yield* Redis.Redis
  // what this process itself took, and what it knows of QQ's refusals: all there is while Redis is away, and what Redis
  // may not know of when it is back
  const own = new Windows()
  // Places that ended since the last script of their call. They are taken off before the script runs: one that is told
  // twice would end another's place, and one that is never told ends at its deadline.
  const ended = new Map<string, Array<{ readonly slots: Ticket; readonly at: number }>>()
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
    return Effect.flatMap(monotonicMillis, (now) => {
      const reported = ended.get(counted.key) ?? []
      ended.delete(counted.key)
      const ends = reported.flatMap(({ at, slots }) => [Math.floor(now - at), ...slots])
      return redis.eval(of)(keys, limits, reported.length, ...ends, ...rest)
    }).pipe(
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
    reserve: (options) =>
      Effect.gen(function* (): Effect.fn.Return<Place, QuotaError> {
        const { hold, instead, maxWait, ...counted } = options
        const asked = yield* monotonicMillis
        const [mine, theirs] = partsOf(counted, instead)
        if (mine !== undefined) own.giveBack(counted, mine)
        const notBefore = Math.ceil(own.earliest(counted, asked, instead !== undefined) - asked)
        if (notBefore > maxWait) {
          if (theirs !== undefined) yield* Effect.ignore(run(scripts.release, counted, ...theirs))
          return { granted: false, wait: notBefore, ticket: [] }
        }
        const most = Math.min(maxWait, Number.MAX_SAFE_INTEGER)
        const reply = yield* Effect.result(
          run(scripts.reserve, counted, ...(theirs ?? [""]), most, Math.ceil(hold), notBefore)
        )
        const now = yield* monotonicMillis
        // looked at again, since others were answered alike meanwhile; the booking was given back already
        if (reply._tag === "Failure") {
          return reserveIn(own, { ...options, instead: instead === undefined ? undefined : [0] }, now)
        }
        const [granted, amount, closed, ...ticket] = yield* Effect.mapError(
          decodePlace(reply.success),
          () => new QuotaError({ problem: "the reply can't be read" })
        )
        if (closed > 0) own.close(counted, now + closed)
        const wait = millis(amount)
        if (granted === 0) return { granted: false, wait, ticket: [] }
        const taken = wait > 0 ? own.book(counted, now + wait) : own.take(counted, now, now + hold)
        return { granted: true, wait, ticket: [...taken, ...ticket] }
      }),
    complete: ({ ticket, ...counted }) =>
      Effect.map(monotonicMillis, (at) => {
        const [mine, theirs] = partsOf(counted, ticket)
        own.end(counted, mine!, at)
        if (theirs === undefined) return
        const pending = ended.get(counted.key) ?? []
        ended.set(counted.key, pending)
        pending.push({ slots: theirs.slice(1), at })
        // the oldest came to their deadlines long ago
        if (pending.length > mostEnded) pending.shift()
      }),
    release: ({ ticket, ...counted }) =>
      Effect.suspend(() => {
        const [mine, theirs] = partsOf(counted, ticket)
        own.giveBack(counted, mine!)
        return theirs === undefined ? Effect.void : Effect.asVoid(run(scripts.release, counted, ...theirs))
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
