import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Redacted from "effect/Redacted"
import type { Any } from "../Endpoint.ts"
import { fromCode, UnreadableAnswer } from "../QQError.ts"
import type { Failure } from "../Retry.ts"
import * as Image from "./image.ts"
import { scrub } from "./secrets.ts"

/** What came back over the wire. */
export interface Answer {
  readonly status: number
  readonly bytes: Uint8Array
  /** Milliseconds from `Retry-After`. */
  readonly wait: number | undefined
}

const statusFields = ["errcode", "errCode", "code"] as const
const textFields = ["errmsg", "errMsg", "message", "msg"] as const

const integer = (value: unknown): number | undefined => {
  if (typeof value === "string" && /^-?\d{1,15}$/.test(value)) return Number(value)
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined
}

const strict = new TextDecoder("utf-8", { fatal: true })
const lenient = new TextDecoder()

const parse = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(strict.decode(bytes))
  } catch {
    return undefined
  }
}

const looksLikeHtml = (bytes: Uint8Array): boolean =>
  /^\s*<(?:!doctype|html|head|body|center)/i.test(lenient.decode(bytes.subarray(0, 200)))

const decoders = new WeakMap<Any, (input: unknown) => Result.Result<unknown, unknown>>()
const decoder = (endpoint: Any) => {
  let decode = decoders.get(endpoint)
  if (decode === undefined) {
    decode = Schema.decodeUnknownResult(endpoint.output)
    decoders.set(endpoint, decode)
  }
  return decode
}

/**
 * Bytes become a success or an error, by their content: never by status, length or Content-Type.
 *
 * A code other than 0 in any of the three spellings is QQ's error. A success is what the endpoint's own schema takes; the
 * rest is unreadable, and so never a pass.
 */
export const read = (
  endpoint: Any,
  answer: Answer,
  secrets: ReadonlyArray<Redacted.Redacted<string>>
): Result.Result<any, Failure> => {
  const { bytes, status, wait } = answer
  const unreadable = (found: string) =>
    Result.fail<Failure>({
      reason: new UnreadableAnswer({ found, status, size: bytes.length, ...(wait === undefined ? {} : { wait }) }),
      phase: "lost"
    })

  if (bytes.length === 0) return unreadable("empty")

  const image = Image.inspect(bytes)
  if (image !== undefined) {
    if (!endpoint.image) return unreadable("image")
    if (!image.complete) return unreadable("broken image")
    const decoded = decoder(endpoint)({ bytes, mediaType: image.mediaType })
    return Result.isSuccess(decoded) ? Result.succeed(decoded.success) : unreadable("broken image")
  }

  const json = parse(bytes)
  if (json === undefined) return unreadable(looksLikeHtml(bytes) ? "html" : "not JSON")
  if (typeof json !== "object" || json === null || Array.isArray(json)) return unreadable("unknown JSON")

  const fields = json as Record<string, unknown>
  const own = (name: string) => (Object.hasOwn(fields, name) ? fields[name] : undefined)
  let code = 0
  for (const name of statusFields) {
    const value = own(name)
    if (value === undefined) continue
    const number = integer(value)
    // `code` may be somebody else's field; the two others are QQ's own, so what can't be read there can't be trusted
    if (number === undefined && name !== "code") return unreadable("unknown JSON")
    if (number !== undefined && number !== 0) {
      code = number
      break
    }
  }
  if (code !== 0 && !endpoint.answers?.includes(code)) {
    const text = textFields.map((name) => scrub(own(name), secrets)).find((text) => text !== "") ?? ""
    return Result.fail<Failure>({ reason: fromCode(endpoint.endpoint, code, text), phase: "answered" })
  }
  if (endpoint.image) return unreadable("unknown JSON")

  // A code that is an answer counts in every spelling; the yes of a check counts only in QQ's own.
  const decoded = decoder(endpoint)(code === 0 ? fields : { ...fields, errCode: code })
  return Result.isSuccess(decoded) ? Result.succeed(decoded.success) : unreadable("unknown JSON")
}
