/**
 * The rolling window of `Quota` as Lua scripts for Redis.
 *
 * KEYS: the hash of QQ's refusals, then one hash for each window. ARGV: for each window its limit and the width of its
 * slots; then the places that ended since the last script; then the arguments of the script itself. T10: times come
 * from the server's clock.
 *
 * The hash of a window has the same content as `Window`. A field `<slot>` is the number of ended or booked places of
 * that slot. A field `o<slot>` is the number of open places whose deadline is in that slot.
 */
import * as Redis from "effect/persistence/Redis"
import * as Schema from "effect/Schema"
import { type Limit, windowMillis } from "../Limit.ts"
import { constants } from "../quota/windows.ts"

// No booking is more than 16 windows ahead, and no deadline more than an hour, or 16 windows if they are longer. A place
// further ahead was taken before the server's clock was set back.
const maxWindows = 16
const maxDeadlineMillis = 3_600_000

const head = `
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local held = ${constants.slotsHeld}
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
  local lastBooking = present + ${constants.slotsInWindow * maxWindows}
  w.lastDeadline = math.max(lastBooking, math.floor((now + ${maxDeadlineMillis}) / width))
  local all = redis.call('HGETALL', w.key)
  for j = 1, #all, 2 do
    local open, slot = string.match(all[j], '^(o?)(%d+)$')
    slot = tonumber(slot)
    if not slot or slot <= present - held or slot > (open == 'o' and w.lastDeadline or lastBooking) then
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
-- a place or booking that is released: whether it was taken, and its slots
local function releasePlace()
  for i, w in ipairs(windows) do add(w, ARGV[next] == '1' and 'o' or '', tonumber(ARGV[next + i]), -1) end
  next = next + 1 + #windows
end
`

// Q1: atomic on the server, so that no two processes take the same place.
const reserve = `
local booked = ARGV[next] ~= ''
if booked then releasePlace() else next = next + 1 end
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
local closedFor = text(math.max(0, closed - now))
local maxWait = tonumber(ARGV[next])
for _, w in ipairs(windows) do maxWait = math.min(maxWait, w.width * ${constants.slotsInWindow * maxWindows}) end
if wait > maxWait then return { 0, tostring(wait), closedFor } end
local reply = { 1, tostring(wait), closedFor, wait > 0 and '0' or '1' }
for _, w in ipairs(windows) do
  local slot = math.floor(time / w.width)
  if wait <= 0 then slot = math.min(math.floor((now + tonumber(ARGV[next + 1])) / w.width), w.lastDeadline) end
  add(w, wait > 0 and '' or 'o', slot, 1)
  reply[#reply + 1] = text(slot)
end
return reply`

const release = `
releasePlace()
return 1`

const remaining = `
local least = inf
for _, w in ipairs(windows) do
  least = math.min(least, math.max(0, w.max - used(w, w.present)))
end
if now < closed then least = 0 end
return tostring(least)`

const { firstMillis, longestMillis, memoryMillis } = constants.closed
const close = `
if now >= closed then
  local times = 1
  if now - closed < ${memoryMillis} then times = field(KEYS[1], 'times') + 1 end
  closed = now + math.min(${longestMillis}, ${firstMillis} * 2 ^ (times - 1))
  redis.call('HSET', KEYS[1], 'until', string.format('%.0f', closed), 'times', times)
  redis.call('PEXPIRE', KEYS[1], ${longestMillis + memoryMillis})
end
return string.format('%.0f', closed - now)`

/** A script that takes the keys and the limits of a call. */
export type QuotaScript<Result> = Redis.Script<{
  params: [keys: ReadonlyArray<string>, limits: ReadonlyArray<Limit>, ...rest: Array<string | number>]
  result: Result
}>

const script = <Result>(lua: string) =>
  Redis.script(
    (keys: ReadonlyArray<string>, limits: ReadonlyArray<Limit>, ...rest: ReadonlyArray<string | number>) => [
      ...keys,
      ...limits.flatMap((limit) => [limit.max, windowMillis(limit.window) / constants.slotsInWindow]),
      ...rest
    ],
    { lua: head + lua, numberOfKeys: (keys) => keys.length }
  ).withReturnType<Result>()

/** The scripts, by the operation of `Quota` that they implement. */
export const scripts = {
  reserve: script<unknown>(reserve),
  release: script<number>(release),
  remaining: script<string>(remaining),
  close: script<string>(close)
}

// Lua writes infinity as `inf`.
const Amount = Schema.Union([Schema.FiniteFromString, Schema.Literal("inf")])
/** The milliseconds in the reply of a script. */
export const millis = (amount: typeof Amount.Type) => (amount === "inf" ? Infinity : amount)
/**
 * Decodes the reply of `reserve`: whether a place was granted (1 or 0), the wait in milliseconds, for how many
 * milliseconds the key is still closed, and the ticket.
 */
export const decodePlace = Schema.decodeUnknownEffect(
  Schema.TupleWithRest(Schema.Tuple([Schema.Literals([0, 1]), Amount, Schema.FiniteFromString]), [
    Schema.FiniteFromString
  ])
)
