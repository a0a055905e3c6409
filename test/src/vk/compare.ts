/** Brings what vk's model and the facade made of a call into one form: what QQ reads, and what the caller gets. */
import { isQQError } from "@qq-mini/core/QQError"
import { parse } from "node:querystring"
import { isDeepStrictEqual } from "node:util"
import type { Case } from "./cases.ts"
import type { Exchanged } from "./exchange.ts"
import { decrypt } from "./model.ts"
import type { End, Outcome } from "./run.ts"

type Json = Readonly<Record<string, any>>

/** A body as QQ reads it. */
type Body =
  | undefined
  | { readonly json: Json }
  | { readonly form: Json }
  | { readonly parts: Json }
  | { readonly bytes: string }

/** A request as QQ reads it: no boundaries, no order, no charset of JSON. */
export interface Read {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly query: Json
  /** Headers of the caller's own. */
  readonly headers: Json
  readonly body: Body
}

/** How a call ended, without what only looks different. */
export type Result =
  | { readonly value: unknown }
  /** A Buffer and its own properties. */
  | { readonly buffer: string; readonly own: Json }
  | { readonly thrown: string; readonly text: string }
  /** Nothing was sent, and the result or the error says why. */
  | { readonly refused: true }
  /** Nothing was sent, because QQ closed the call with this code. */
  | { readonly closed: number }

/** What came of a call, in the form that is compared. */
export interface Seen {
  readonly requests: ReadonlyArray<Read>
  readonly result: Result
  /** The names in the caller's object after the call, and its appid. */
  readonly input: Json
}

/** Optional parameters for which these values count as none. */
const optional: Readonly<Record<string, ReadonlyArray<string>>> = {
  "/api/json/qqa/CreateMiniCode": ["path"],
  "/api/json/subscribe/SendSubscriptionMessage": ["page", "emphasis_keyword", "oac_appid", "use_robot"]
}

const isNone = (value: unknown) => value === undefined || value === null || value === ""

/** The parameters that QQ knows, where vk passes on whatever it gets. */
const known: Readonly<Record<string, ReadonlyArray<string>>> = {
  "/api/json/subscribe/SendSubscriptionMessage": [
    "touser",
    "template_id",
    "page",
    "data",
    "emphasis_keyword",
    "oac_appid",
    "use_robot"
  ]
}

const filtered = (record: Json, keep: (name: string, value: unknown) => boolean): Json =>
  Object.fromEntries(Object.entries(record).filter(([name, value]) => keep(name, value)))

/** A value as the text that QQ reads. */
const textOf = (value: unknown): unknown =>
  value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0)
    ? ""
    : typeof value === "object"
      ? value
      : String(value)

/** A template field as QQ reads it: its value. */
const fieldOf = (field: any): unknown => textOf(typeof field === "object" && field !== null ? field.value : field)

const readJson = (path: string, json: any): Json => {
  if (typeof json !== "object" || json === null) return json
  const kept = filtered(
    json,
    (name, value) =>
      (known[path]?.includes(name) ?? true) && !isNone(value) && !(optional[path]?.includes(name) && !value)
  )
  return Object.fromEntries(
    Object.entries(kept).map(([name, value]) => {
      if (name === "data" && typeof value === "object" && value !== null) {
        return [name, Object.fromEntries(Object.entries(value).map(([name, field]) => [name, fieldOf(field)]))]
      }
      return [
        name,
        name === "use_robot" && value === true ? "1" : path.startsWith("/api/json/") ? textOf(value) : value
      ]
    })
  )
}

/** The fields of a multipart body as texts, its files with their names and types. */
const partsOf = (path: string, body: Buffer, boundary: string): Json => {
  const parts: Record<string, unknown> = {}
  for (const piece of body.toString("latin1").split(`--${boundary}`).slice(1, -1)) {
    const end = piece.indexOf("\r\n\r\n")
    const head = piece.slice(0, end)
    const bytes = piece.slice(end + 4, -2)
    const name = /name="([^"]*)"/.exec(head)?.[1] ?? "?"
    const filename = /filename="([^"]*)"/.exec(head)?.[1]
    const type = /content-type: *([^\r]+)/i.exec(head)?.[1]
    // What files of `request` are called is not known to matter.
    parts[name] = filename === undefined || !path.endsWith("/ImgSecCheck") ? bytes : { bytes, filename, type }
  }
  return parts
}

const headersOf = (headers: Json): Json =>
  Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]))

const readBody = (path: string, { body, headers }: Exchanged): Body => {
  if (body.length === 0) return undefined
  const type = String(headersOf(headers)["content-type"] ?? "")
  const boundary = /^multipart\/form-data; *boundary="?([^";]+)/.exec(type)?.[1]
  if (boundary !== undefined) return { parts: partsOf(path, body, boundary) }
  try {
    if (/json/.test(type)) return { json: readJson(path, JSON.parse(body.toString())) }
  } catch {
    // is no JSON
  }
  if (/urlencoded/.test(type)) return { form: filtered({ ...parse(body.toString()) }, (_, value) => !isNone(value)) }
  return { bytes: body.toString("latin1") }
}

// Headers that each client sets for itself.
const clientsOwn = new Set(["content-type", "content-length", "accept", "user-agent"])

const read = (request: Exchanged): Read => {
  const [, host = "", path = "", query = ""] = /^(https?:\/\/[^/?]*)([^?]*)\??(.*)$/.exec(request.url) ?? []
  return {
    method: request.method,
    host,
    path,
    query: { ...parse(query) },
    headers: filtered(headersOf(request.headers), (name) => !clientsOwn.has(name)),
    body: readBody(path, request)
  }
}

/** Stands for every text of ours: what it says is other tests' business. */
export const ourText = "(a text of ours)"

const networkReasons = new Set(["ConnectionFailed", "TimedOut"])

/** The kind of an error: what failed, whatever it is called. */
const thrownOf = (error: any): { readonly thrown: string; readonly text: string } => {
  if (!isQQError(error)) {
    // which program is missing is said as `undefined`, `null` or nothing
    const text = String(error?.message).replace(/未找到appid：(?:undefined|null|0|false)? /, "未找到appid： ")
    const isUrllib = /^(Request|Response|ConnectionTimeout|ResponseTimeout)Error$/.test(error?.name)
    return { thrown: isUrllib ? "network" : String(error?.name), text }
  }
  const { reason } = error
  const inner = reason._tag === "OutcomeUnknown" ? (reason.because as { _tag: string })._tag : reason._tag
  return { thrown: networkReasons.has(inner) ? "network" : inner, text: ourText }
}

const defined = (value: Json): Json => filtered(value, (_, value) => value !== undefined)

const resultOf = (end: End, aes: string | undefined): Result => {
  if ("thrown" in end) return thrownOf(end.thrown)
  const { value } = end
  if (Buffer.isBuffer(value)) {
    const own = Object.keys(value).filter((name) => !/^\d+$/.test(name))
    return {
      buffer: value.toString("latin1"),
      own: Object.fromEntries(own.map((name) => [name, (value as any)[name]]))
    }
  }
  if (typeof value !== "object" || value === null) return { value }
  const { encryptedKey } = value
  const opened = encryptedKey === undefined || aes === undefined ? encryptedKey : openKey(aes, encryptedKey)
  // a code may come as a string of digits
  const code = typeof value.code === "string" && /^-?\d+$/.test(value.code) ? Number(value.code) : value.code
  return { value: defined({ ...value, code, encryptedKey: opened }) }
}

const openKey = (aes: string, encrypted: string): unknown => {
  try {
    const { appid, appsecret, openid, sessionKey, unionid } = decrypt(aes, encrypted)
    return defined({ appid, appsecret, openid, sessionKey, unionid })
  } catch {
    return encrypted
  }
}

/** What is compared of the caller's object. */
export const inputSeen = (input: any): Json => ({ names: Object.keys(input ?? {}), appid: input?.appid })

/** What came of a call, in the form that is compared. */
export const seen = ({ end, input, requests }: Outcome, { config }: Case): Seen => ({
  requests: requests.map(read),
  result: resultOf(end, (config.vkUnicloud as any)?.vk?.crypto?.aes),
  input: inputSeen(input)
})

export const isSame = (one: unknown, other: unknown): boolean => isDeepStrictEqual(one, other)
