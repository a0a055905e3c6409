/**
 * The ledger of broadcasts as Lua scripts for Redis.
 *
 * KEYS of a broadcast, all in one slot of a cluster:
 * 1. a hash: what is known of the broadcast, and `#<state>` for the number of rows in a state
 * 2. a hash: a recipient's line, in base 36, and state
 * 3. a hash, of the rows that are sending or unknown alone: when the claim is over, the claim, the message
 * 4. a sorted set of the recipients in 3, for pages in the order of their names
 *
 * A state is a letter: N (new), C (sending), S (sent), U (unknown), R and the reason (refused). Times come from the
 * server's clock.
 */
import * as Redis from "effect/persistence/Redis"
import type { State } from "../ledger/types.ts"

const head = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local entry, rows, claims, order = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local counts = {}
local function count(state, by) counts[state] = (counts[state] or 0) + by end
local function move(recipient, line, before, after)
  redis.call('HSET', rows, recipient, line .. after)
  count(before, -1)
  count(after, 1)
end
local function writeCounts()
  for state, by in pairs(counts) do
    if by ~= 0 then redis.call('HINCRBY', entry, '#' .. state, by) end
  end
end
local function rowOf(recipient)
  return string.match(redis.call('HGET', rows, recipient) or '', '^([%l%d]+)(.*)$')
end
local function claimOf(recipient)
  local value = redis.call('HGET', claims, recipient)
  if not value then return end
  local till, size, at = string.match(value, '^(%d+) (%d+) ()')
  return string.sub(value, at, at + size - 1), tonumber(till), string.sub(value, at + size)
end
`

type Texts = ReadonlyArray<string | number>

const keysOfBroadcast = 4

const script = <Params extends Texts, Result>(lua: string, numberOfKeys = keysOfBroadcast) =>
  Redis.script((keys: ReadonlyArray<string>, ...params: Params): Texts => [...keys, ...params], {
    lua: head + lua,
    numberOfKeys
  }).withReturnType<Result>()

/** A script for the keys of one broadcast, or of the list of broadcasts. */
export type LedgerScript<Params extends Texts, Result> = Redis.Script<{
  params: [keys: ReadonlyArray<string>, ...Params]
  result: Result
}>

const create = script<[document: string], ReadonlyArray<string>>(`
if redis.call('EXISTS', entry) == 0 then
  redis.call('HSET', entry, 'created', t[1] .. '.' .. t[2], 'control', 'running', 'why', '', 'loaded', 0,
    'document', ARGV[1])
end
return redis.call('HGETALL', entry)`)

const control = script<[to: string, why: string, ...from: ReadonlyArray<string>], number>(`
local control = redis.call('HGET', entry, 'control')
for i = 3, #ARGV do
  if ARGV[i] == control then
    redis.call('HSET', entry, 'control', ARGV[1], 'why', ARGV[2])
    return 1
  end
end
return 0`)

// For each row: the recipient and the line.
const add = script<Texts, ReadonlyArray<string>>(`
if redis.call('EXISTS', entry) == 0 then return {} end
local lines = {}
for i = 1, #ARGV, 2 do
  local line = ARGV[i + 1]
  if redis.call('HSETNX', rows, ARGV[i], line .. 'N') == 1 then count('N', 1) else line = rowOf(ARGV[i]) end
  lines[#lines + 1] = line
end
writeCounts()
return lines`)

const advance = script<[from: number, document: string], number>(`
if redis.call('HGET', entry, 'loaded') ~= ARGV[1] then return 0 end
redis.call('HSET', entry, 'loaded', ARGV[1] + 1, 'document', ARGV[2])
return 1`)

const readRows = script<Texts, ReadonlyArray<string | null>>(`
local found = {}
for i = 1, #ARGV do found[i] = redis.call('HGET', rows, ARGV[i]) end
return found`)

// For each row: the recipient, the message, and '=' with the claim that it may be claimed instead of. Returns for each
// how long it is busy, or what else was found. Without a running broadcast it returns nothing.
const found = { claimed: 0, done: -1 }
const claim = script<[claim: string, ttl: number, ...rows: Texts], ReadonlyArray<number> | null>(`
if redis.call('HGET', entry, 'control') ~= 'running' then return false end
local claim, till = ARGV[1], string.format('%.0f', now + ARGV[2])
local found = {}
for i = 3, #ARGV, 3 do
  local recipient, message, instead = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local line, state = rowOf(recipient)
  local other, over
  if state == 'C' or state == 'U' then other, over = claimOf(recipient) end
  local result = ${found.done}
  if state == 'C' and other == claim then
    result = ${found.claimed}
  elseif state == 'C' and over > now then
    result = over - now
  else
    if state == 'C' then
      move(recipient, line, 'C', 'U')
      state = 'U'
    end
    if state == 'N' or state == 'U' and instead == '=' .. other then
      move(recipient, line, state, 'C')
      redis.call('HSET', claims, recipient, till .. ' ' .. #claim .. ' ' .. claim .. message)
      redis.call('ZADD', order, 0, recipient)
      result = ${found.claimed}
    end
  end
  found[#found + 1] = result
end
writeCounts()
return found`)

// For each row: the recipient and the new state.
const settle = script<[claim: string, ...rows: Texts], number>(`
for i = 2, #ARGV, 2 do
  local recipient, after = ARGV[i], ARGV[i + 1]
  if claimOf(recipient) == ARGV[1] then
    local line, before = rowOf(recipient)
    if before ~= 'U' or after ~= 'N' then
      move(recipient, line, before, after)
      if after ~= 'U' then
        redis.call('HDEL', claims, recipient)
        redis.call('ZREM', order, recipient)
      end
    end
  end
end
writeCounts()
return 1`)

// Returns the last recipient of the page if another page may follow, and for each row the recipient, claim and message.
const unknown = script<[after: string, limit: number], ReadonlyArray<string>>(`
local page = redis.call('ZRANGEBYLEX', order, ARGV[1], '+', 'LIMIT', 0, ARGV[2])
local found = { #page == tonumber(ARGV[2]) and page[#page] or '' }
for _, recipient in ipairs(page) do
  local line, state = rowOf(recipient)
  local claim, over, message = claimOf(recipient)
  if state == 'C' and over <= now then
    move(recipient, line, 'C', 'U')
    state = 'U'
  end
  if state == 'U' then
    for _, text in ipairs({ recipient, claim, message }) do found[#found + 1] = text end
  end
end
writeCounts()
return found`)

// What this server can tell of how it keeps data. Where the user must not ask, it tells nothing.
const durability = script<[], ReadonlyArray<string>>(`
local found = {}
for i, section in ipairs({ 'persistence', 'memory' }) do
  local info = redis.pcall('INFO', section)
  found[i] = type(info) == 'string' and info or ''
end
return { string.match(found[1], 'aof_enabled:(%d)') or '', string.match(found[2], 'maxmemory:(%d+)') or '',
  string.match(found[2], 'maxmemory_policy:(%S+)') or '' }`)

/** The scripts, by the operation of `SendLedger` that they implement. */
export const scripts = {
  create,
  read: script<[], ReadonlyArray<string>>("return redis.call('HGETALL', entry)"),
  control,
  add,
  advance,
  rows: readRows,
  claim,
  settle,
  unknown,
  // Not DEL: it would block the server while it frees a million rows.
  remove: script<[], number>("return redis.call('UNLINK', unpack(KEYS))"),
  list: script<[], ReadonlyArray<string>>("return redis.call('SMEMBERS', KEYS[1])", 1),
  enlist: script<[name: string], number>("return redis.call('SADD', KEYS[1], ARGV[1])", 1),
  strike: script<[name: string], number>("return redis.call('SREM', KEYS[1], ARGV[1])", 1),
  durability
}

/** The results of `claim` that are not a time. */
export { found }

const letters: Readonly<Record<State, string>> = { new: "N", sending: "C", sent: "S", unknown: "U", refused: "R" }
const statesByLetter = new Map(Object.entries(letters).map(([state, letter]) => [letter, state as State]))

/** Writes a state and its reason as the scripts do. */
export const encodeState = (state: State, reason = ""): string =>
  state === "refused" ? letters.refused + reason : letters[state]

/** Reads a state and its reason. */
export const decodeState = (text: string): { readonly state: State; readonly reason: string } => ({
  state: statesByLetter.get(text.slice(0, 1))!,
  reason: text.slice(1)
})
