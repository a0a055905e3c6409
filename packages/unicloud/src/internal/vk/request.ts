/** `vk.openapi.qq.request`: any HTTP call of QQ's API, with the program's token. */
import type * as Body from "@qq-mini/core/Body"
import * as Endpoint from "@qq-mini/core/Endpoint"
import { multipart } from "@qq-mini/core/Body"
import * as Images from "@qq-mini/core/adapter/images"
import * as Effect from "effect/Effect"
import { promises } from "node:fs"
import { stringify } from "node:querystring"
import type { Changed } from "./answers.ts"
import { AnyJson } from "./endpoints.ts"
import { programOf, tokenOf } from "./input.ts"
import type { Json } from "./json.ts"

/** A file to upload: its bytes, its path, or a stream. */
export type VkFile = Uint8Array | string | AsyncIterable<Uint8Array>

/** The parameters of `vk.openapi.qq.request`. */
export interface VkRequest {
  /** A path, or a full URL of QQ's host. No other host is called. */
  readonly url: string
  /** The HTTP method. By default `POST`. */
  readonly method?: string
  /** The parameters: the query of a GET, otherwise the body. `access_token: true` adds the program's token to the query. */
  readonly data?: Readonly<Record<string, any>> | string | Uint8Array
  /** The whole body. It replaces `data`. */
  readonly content?: string | Uint8Array
  /** Sends `data` as JSON in the body. */
  readonly useContent?: boolean
  /** Headers. `content-type: application/json` sends `data` as JSON. */
  readonly headers?: Readonly<Record<string, string>>
  /** Files that are sent with `data` as a multipart form, by their field names. A list has `file`, `file1` and so on. */
  readonly files?: VkFile | ReadonlyArray<VkFile> | Readonly<Record<string, VkFile>>
  /** `json` (default), or what is returned if the answer is not JSON: `text` as `data` of the result, any other a Buffer. */
  readonly dataType?: string
  /** The time for the call in milliseconds. A pair is for connecting and for the answer. */
  readonly timeout?: number | ReadonlyArray<number>
  /** The encoding of a POST body. By default `form`, as in vk. */
  readonly contentType?: "form" | "json"
  /** The token to use: `true` for the program's. The same as `data.access_token`. */
  readonly access_token?: boolean | string
  /** The program of the call. By default the default program. */
  readonly appid?: string
  /** The AppSecret of `appid`, unless the program is configured. */
  readonly appsecret?: string
}

/** A request that can be made. */
export interface Prepared {
  readonly endpoint: Endpoint.Any
  readonly changed: Changed
  /** The program that the caller names. */
  readonly program: { readonly appid?: string; readonly appsecret?: string }
  /** The caller's own token. */
  readonly token: string | undefined
  /** The time in milliseconds, if the caller limits it. */
  readonly timeout: number | undefined
}

/** The path of a URL. `undefined` for another host than QQ's. */
export const pathOf = (url: unknown, hosts: ReadonlyArray<string>): string | undefined => {
  const text = String(url)
  const [, host, path = ""] = /^[a-z][a-z\d+.-]*:[/\\]{2}([^/\\?#]*)(.*)$/is.exec(text) ?? [text, undefined, text]
  if (host !== undefined && !hosts.includes(host.toLowerCase())) return undefined
  return `/${path.replace(/^[/\\]+/, "").replace(/#.*$/s, "")}`
}

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array

const wellFormed = (value: unknown) => (typeof value === "string" ? value.replace(/\p{Surrogate}/gu, "\ufffd") : value)

// It writes nothing for values that a form can't hold.
const form = (data: Json): string =>
  stringify(Object.fromEntries(Object.entries(data).map(([name, value]) => [name, wellFormed(value) as string])))

const filesOf = (files: NonNullable<VkRequest["files"]>): ReadonlyArray<readonly [string, VkFile]> => {
  if (Array.isArray(files)) return files.map((file, i) => [i === 0 ? "file" : `file${i}`, file])
  const isOne = isBytes(files) || typeof files === "string" || Symbol.asyncIterator in files
  return isOne ? [["file", files as VkFile]] : Object.entries(files as Readonly<Record<string, VkFile>>)
}

const bytesOf = async (file: VkFile): Promise<Uint8Array> => {
  if (isBytes(file)) return file
  if (typeof file === "string") return promises.readFile(file)
  const parts: Array<Uint8Array> = []
  for await (const part of file) parts.push(Buffer.from(part))
  return Buffer.concat(parts)
}

const upload = async (data: Json, files: NonNullable<VkRequest["files"]>): Promise<Json> => {
  const parts: Record<string, unknown> = { ...data }
  for (const [name, file] of filesOf(files)) {
    const bytes = await bytesOf(file)
    parts[name] = { bytes, mediaType: Images.inspect(bytes)?.mediaType ?? "application/octet-stream" }
  }
  return parts
}

/** The body of a request, by the same rules as in urllib. */
const bodyOf = async (request: VkRequest, data: Json | string | Uint8Array, type: string): Promise<Body.Packed> => {
  const { content, contentType, files, useContent } = request
  const pack = (body: string | Uint8Array, usual: string): Body.Packed => ({
    contentType: type || usual,
    body: typeof body === "string" ? body : [body]
  })
  const isWhole = typeof data === "string" || isBytes(data)
  // With files, urllib ignores `content`.
  if (files && !isWhole) return Effect.runPromise(multipart(await upload(data, files)))
  if (content) return pack(content, "text/plain;charset=utf-8")
  if (isWhole) return pack(data, "text/plain;charset=utf-8")
  if (useContent || contentType === "json" || /^application\/json\b/i.test(type)) {
    return pack(JSON.stringify(data), "application/json")
  }
  return pack(form(data), "application/x-www-form-urlencoded")
}

/** Prepares a request. `undefined` if its url names another host than QQ's. */
export const prepare = async (request: VkRequest, hosts: ReadonlyArray<string>): Promise<Prepared | undefined> => {
  const path = pathOf(request.url ?? "", hosts)
  if (path === undefined) return undefined
  const { data = {}, files, timeout } = request
  const isObject = typeof data === "object" && data !== null && !isBytes(data)
  const { access_token = request.access_token, appid, appsecret: _secret, ...given }: Json = isObject ? data : {}
  const rest = Object.fromEntries(Object.entries({ appid, ...given }).filter(([, value]) => value !== undefined))
  const method = (files ? "POST" : request.method || "POST").toUpperCase()
  const headers = Object.fromEntries(
    Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])
  )
  const isRead = method === "GET" || method === "HEAD"
  const query = isRead ? form(rest) : ""
  const packed = isRead ? undefined : await bodyOf(request, isObject ? rest : data, headers["content-type"] ?? "")
  // A form's type names its boundary.
  if (files) delete headers["content-type"]
  const target = query === "" ? path : `${path}${path.includes("?") ? "&" : "?"}${query}`
  const definition = {
    authorization: access_token ? ("access_token" as const) : ("none" as const),
    input: AnyJson,
    wire: AnyJson,
    output: AnyJson
  }
  const endpoint: Endpoint.Any = isRead
    ? Endpoint.get("request", target, () => ({ ...definition, delivery: "repeatable" }))
    : Endpoint.post("request", target, () => ({ ...definition, delivery: "once", body: () => Effect.succeed(packed!) }))
  const millis = Array.isArray(timeout) ? timeout.reduce((sum, one) => sum + one, 0) : Number(timeout)
  return {
    endpoint,
    changed: { path: target, method, headers },
    program: programOf({ ...request, ...(isObject ? data : {}) }),
    token: tokenOf({ access_token }),
    timeout: Number.isFinite(millis) && millis > 0 ? millis : undefined
  }
}
