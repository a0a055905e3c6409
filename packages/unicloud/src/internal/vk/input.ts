/**
 * Reads the parameters of vk's callers, which are looser than ours: one table of the parameters, and a reading for each.
 * What the readings leave is checked by the core.
 */
import type { Any } from "@qq-mini/core/Endpoint"
import type { Switches } from "./differences.ts"
import type { Json } from "./json.ts"
import * as Picture from "./picture.ts"

/** The parameters of a call in the style of vk: its own, and the program and the token. */
export interface VkInput {
  readonly appid?: string
  readonly appsecret?: string
  readonly access_token?: string
  readonly [parameter: string]: any
}

/** Reads a parameter. `undefined` means that it was not given. */
type Reading = (value: unknown) => unknown

/** Whether a value counts as not given in vk. */
const isNothing = (value: unknown): boolean => value === undefined || value === null || value === ""

/** A text as vk writes it on the wire: numbers and booleans in their digits and letters, dates as in JSON. */
export const text: Reading = (value) => {
  if (isNothing(value)) return undefined
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : undefined
  if (typeof value === "boolean" || typeof value === "bigint") return String(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString()
  // The core refuses anything else.
  return value
}

/** A text that may be missing: `0` and `false` are no text. */
const optional: Reading = (value) => (value ? text(value) : undefined)

const flags: Readonly<Record<string, boolean>> = { "0": false, "1": true, false: false, true: true }

/** A switch on the wire. */
const flag: Reading = (value) => (isNothing(value) ? undefined : (flags[String(value)] ?? Boolean(value)))

/** A switch that is on unless it is given. */
const onByDefault: Reading = (value) => value === undefined || Boolean(value)

/** The keywords of a template: of each the value alone, as a text. An empty one is a value. */
const keywords: Reading = (data) => {
  if (isNothing(data) || typeof data !== "object" || Array.isArray(data)) return isNothing(data) ? undefined : data
  return Object.fromEntries(
    Object.entries(data as Json).flatMap(([name, keyword]) =>
      keyword === undefined
        ? []
        : // A value without its object is one, too.
          typeof keyword !== "object" || keyword === null || keyword instanceof Date
          ? [[name, { value: text(keyword) ?? "" }]]
          : [[name, "value" in keyword ? { value: text(keyword.value) ?? "" } : {}]]
    )
  )
}

/** The first parameter that was given. */
const first =
  (reading: Reading, ...names: ReadonlyArray<string>) =>
  (given: Json): unknown =>
    names.map((name) => reading(given[name])).find((value) => value !== undefined)

/** The parameters of each call, by their names in QQ's documents. */
const table: Readonly<Record<string, Readonly<Record<string, (given: Json, switches: Switches) => unknown>>>> = {
  "auth.getAccessToken": { cache: first(onByDefault, "cache") },
  "auth.code2Session": { code: first(text, "code", "js_code") },
  "acode.getMiniCode": {
    path: (given, { ignorePage }) => first(optional, ...(ignorePage ? ["path"] : ["path", "page"]))(given)
  },
  "security.msgSecCheck": { content: first(text, "content") },
  "security.imgSecCheck": { media: Picture.read },
  "subscribeMessage.send": {
    touser: first(text, "touser"),
    template_id: first(text, "template_id"),
    page: first(optional, "page"),
    data: first(keywords, "data"),
    emphasis_keyword: first(optional, "emphasis_keyword"),
    oac_appid: first(optional, "oac_appid"),
    use_robot: first(flag, "use_robot")
  }
}

/** The own parameters of calls that vk does not have: as they are, without what was not given. */
const others = (endpoint: Any, given: Json): Json => {
  const { access_token: _token, appid: _appid, appsecret: _secret, ...rest } = given
  // Other parameters are dropped, because vk's callers may pass some that QQ ignores.
  const { fields = rest } = endpoint.input as { readonly fields?: object }
  return Object.fromEntries(Object.keys(fields).map((name) => [name, given[name] ?? undefined]))
}

/** The own parameters of a call. */
export const parametersOf = (endpoint: Any, given: Json, switches: Switches): Json => {
  const readings = table[endpoint.name]
  if (readings === undefined) return others(endpoint, given)
  const all = Object.entries(readings).map(([name, read]) => [name, read(given, switches)] as const)
  return Object.fromEntries(all.filter(([, value]) => value !== undefined))
}

/** The program that a caller names. */
export const programOf = (given: Json): { readonly appid?: string; readonly appsecret?: string } => ({
  appid: optional(given["appid"]) as string,
  appsecret: optional(given["appsecret"]) as string
})

/** The caller's own token. `true` means that of the program. */
export const tokenOf = ({ access_token }: Json): string | undefined =>
  typeof access_token === "string" && access_token !== "" ? access_token : undefined

/** Options of a login that QQ does not see. */
export const loginOf = ({ encryptedKey, needKey, platform }: Json) => ({
  encryptedKey: optional(encryptedKey),
  needKey: Boolean(needKey),
  platform: isNothing(platform) ? "mp-qq" : platform
})
