/** Reads QQ's answer: turns its bytes into a value or an error. */
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { entryOf, fromCode } from "../Code.ts"
import type { Any } from "../endpoint/definition.ts"
import { scrub } from "../internal/secrets.ts"
import { UnreadableAnswer } from "../reason/client.ts"
import type { Failure } from "../Retry.ts"
import * as Image from "./image.ts"
import { parseLeniently } from "./lenientJson.ts"
import { areZero, parse, textOf } from "./strictJson.ts"

/** An HTTP answer. */
export interface Answer {
  /** The HTTP status. */
  readonly status: number
  /** The body. */
  readonly bytes: Uint8Array
  /** The announced length of a body that is too large to be read. */
  readonly announced?: number | undefined
  /** The parsed header `Retry-After`, in milliseconds. */
  readonly wait: number | undefined
}

type Fields = Readonly<Record<string, unknown>>
type Secrets = ReadonlyArray<Redacted.Redacted<string>>

/** The largest accepted answer in bytes. QQ's answers have a few hundred bytes, its images at most a few hundred KB. */
export const maxBytesOf = ({ image }: Any): number => (image ? 8 : 1) * 1024 * 1024

const statusFields = ["errcode", "errCode", "code"] as const
const textFields = ["errmsg", "errMsg", "message", "msg"] as const

const integer = (value: unknown): number | undefined => {
  if (typeof value === "string" && /^-?\d{1,15}$/.test(value)) return Number(value)
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined
}

// A passed check exactly as QQ writes it, without other fields.
const plainYes = /^\s*\{\s*"errCode"\s*:\s*0\s*(?:,\s*"errMsg"\s*:\s*"[^"\\]*"\s*)?\}\s*$/

const lenient = new TextDecoder()

/** Whether an answer is the page of a gateway. */
export const looksLikeHtml = (bytes: Uint8Array): boolean =>
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

const unreadable = ({ announced, bytes, status, wait }: Answer, found: string) =>
  Result.fail<Failure>({
    reason: new UnreadableAnswer({
      found,
      status,
      // A header may announce a length that no safe integer can hold.
      size: Math.min(announced ?? bytes.length, Number.MAX_SAFE_INTEGER),
      ...(wait === undefined ? {} : { wait })
    }),
    phase: "lost",
    repeat: "by-delivery"
  })

const own = (fields: Fields, name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined)

/** QQ's code: the first that is not 0 in any of the three spellings. `undefined` if one of them can't be read. */
const codeOf = (fields: Fields, isCheck: boolean): number | undefined => {
  for (const name of statusFields) {
    const value = own(fields, name)
    if (value === undefined) continue
    const code = integer(value)
    // `code` may be another field of the answer, and is then ignored. A check accepts no unreadable code at all.
    if (code === undefined && (name !== "code" || isCheck)) return undefined
    if (code !== undefined && code !== 0) return code
  }
  return 0
}

const refused = (endpoint: Any, code: number, fields: Fields, secrets: Secrets) => {
  const text = textFields.map((name) => scrub(own(fields, name), secrets)).find((text) => text !== "") ?? ""
  const reason = fromCode(endpoint.codes, code, text)
  return Result.fail<Failure>({
    reason,
    phase: "answered",
    repeat: reason._tag === "SystemBusy" ? "by-delivery" : "never",
    // A call without a limit for each user names no user, so its codes are about the call.
    ofUser:
      entryOf(endpoint.codes, code)?.ofUser === true && endpoint.quota?.some((limit) => limit.scope === "user") === true
  })
}

/** The fields of an answer, and its text if it is JSON in UTF-8. */
interface Parsed {
  readonly json: unknown
  readonly text: string | undefined
}

/** Parses an answer. Without a `text`, only an error code in it counts. `undefined` if it is not JSON. */
const parsed = (bytes: Uint8Array): Parsed | undefined => {
  const text = textOf(bytes)
  const json = text === undefined ? undefined : parse(text)
  if (json !== undefined) return { json, text }
  const lenient = looksLikeHtml(bytes) ? undefined : parseLeniently(bytes)
  return lenient === undefined ? undefined : { json: lenient, text: undefined }
}

const isFields = (json: unknown): json is Fields => typeof json === "object" && json !== null && !Array.isArray(json)

/** The fields of an answer that is a JSON object. Texts in another encoding than UTF-8 are decoded or empty. */
export const fieldsOf = (bytes: Uint8Array): Fields | undefined => {
  const json = parsed(bytes)?.json
  return isFields(json) ? json : undefined
}

/** The result of an answer that says yes, or is an image. A gateway may say yes to everything, so the status counts. */
const accepted = (endpoint: Any, answer: Answer, output: unknown, otherwise: string) => {
  const decoded = decoder(endpoint)(output)
  if (Result.isFailure(decoded)) return unreadable(answer, otherwise)
  return answer.status >= 200 && answer.status < 300
    ? Result.succeed(decoded.success)
    : unreadable(answer, "wrong status")
}

/**
 * Turns the bytes of an answer into a success or a failure.
 *
 * A code other than 0 is an error of QQ's, whatever the status and the encoding of the text. A success is an answer in
 * UTF-8 or an image that the endpoint's schema accepts, with a 2xx status. Any other answer is unreadable, so a check
 * with such an answer does not pass. The length and the Content-Type decide nothing.
 */
export const read = (endpoint: Any, answer: Answer, secretsOf: () => Secrets): Result.Result<unknown, Failure> => {
  const { announced, bytes } = answer
  const size = announced ?? bytes.length
  if (size > maxBytesOf(endpoint)) return unreadable(answer, "too large")
  if (size === 0) return unreadable(answer, "empty")

  const other = endpoint.readOther?.(answer)
  if (other !== undefined) {
    return "code" in other
      ? refused(endpoint, other.code, { errmsg: other.text }, secretsOf())
      : accepted(endpoint, answer, other.output, "unknown content")
  }

  // C2
  const image = Image.inspect(bytes)
  if (image !== undefined) {
    if (!endpoint.image) return unreadable(answer, "image")
    const { complete, mediaType } = image
    return complete
      ? accepted(endpoint, answer, { bytes, mediaType }, "broken image")
      : unreadable(answer, "broken image")
  }

  // I2: an unreadable answer is a failure, not a defect.
  const { json, text } = parsed(bytes) ?? {}
  if (json === undefined) return unreadable(answer, looksLikeHtml(bytes) ? "html" : "not JSON")
  if (!isFields(json)) return unreadable(answer, "unknown JSON")
  const isCheck = endpoint.resultCodes !== undefined
  const code = codeOf(json, isCheck)
  if (code === undefined) return unreadable(answer, "unknown JSON")
  if (code !== 0) {
    if (!endpoint.resultCodes?.includes(code)) return refused(endpoint, code, json, secretsOf())
    // A code that is a result of the call is accepted in every spelling.
    const decoded = decoder(endpoint)({ ...json, errCode: code })
    return Result.isSuccess(decoded) ? Result.succeed(decoded.success) : unreadable(answer, "unknown JSON")
  }
  if (text === undefined) return unreadable(answer, "not JSON")
  // C1: a check passes only if `errCode` is written as the number 0, and no other status field says anything else.
  const isYes = !isCheck || plainYes.test(text) || areZero(text, json, statusFields)
  return endpoint.image || !isYes
    ? unreadable(answer, "unknown JSON")
    : accepted(endpoint, answer, json, "unknown JSON")
}
