/** What an answer says, by its bytes. */
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { fromCode } from "../Code.ts"
import type { Any } from "../endpoint/definition.ts"
import { scrub } from "../internal/secrets.ts"
import { UnreadableAnswer } from "../reason/client.ts"
import type { Failure } from "../Retry.ts"
import * as Image from "./image.ts"
import { countKeys, parse, textOf } from "./strictJson.ts"

/** What came back over the wire. */
export interface Answer {
  readonly status: number
  readonly bytes: Uint8Array
  /** The length of a body that is too large to be read. */
  readonly announced?: number | undefined
  /** Milliseconds from `Retry-After`. */
  readonly wait: number | undefined
}

type Fields = Readonly<Record<string, unknown>>
type Secrets = ReadonlyArray<Redacted.Redacted<string>>

/** The largest answer of a call in bytes: QQ's are a few hundred bytes, its images at most a few hundred KB. */
export const maxBytesOf = ({ image }: Any): number => (image ? 8 : 1) * 1024 * 1024

const statusFields = ["errcode", "errCode", "code"] as const
const textFields = ["errmsg", "errMsg", "message", "msg"] as const

const integer = (value: unknown): number | undefined => {
  if (typeof value === "string" && /^-?\d{1,15}$/.test(value)) return Number(value)
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined
}

const yes = /"errCode"\s*:\s*0\s*[,}]/
// The yes as QQ writes it, without anything beside it.
const plainYes = /^\s*\{\s*"errCode"\s*:\s*0\s*(?:,\s*"errMsg"\s*:\s*"[^"\\]*"\s*)?\}\s*$/

const lenient = new TextDecoder()

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

const unreadable = ({ announced, bytes, status, wait }: Answer, found: string) =>
  Result.fail<Failure>({
    reason: new UnreadableAnswer({
      found,
      status,
      // A header may announce a length beyond all numbers.
      size: Math.min(announced ?? bytes.length, Number.MAX_SAFE_INTEGER),
      ...(wait === undefined ? {} : { wait })
    }),
    phase: "lost",
    repeat: "by-delivery"
  })

const own = (fields: Fields, name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined)

/** The code of an answer: the first that is not 0, in any of the three spellings; `undefined` when one can't be read. */
const codeOf = (fields: Fields, isCheck: boolean): number | undefined => {
  for (const name of statusFields) {
    const value = own(fields, name)
    if (value === undefined) continue
    const code = integer(value)
    // Elsewhere `code` may be somebody else's field; a check trusts nothing that can't be read.
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
    repeat: reason._tag === "SystemBusy" ? "by-delivery" : "never"
  })
}

/**
 * Bytes become a success or an error, by their content: never by status, length or Content-Type.
 *
 * A code other than 0 is QQ's error. A success is what the endpoint's own schema takes; the rest is unreadable, and so
 * never a pass.
 */
export const read = (endpoint: Any, answer: Answer, secretsOf: () => Secrets): Result.Result<unknown, Failure> => {
  const { announced, bytes } = answer
  const size = announced ?? bytes.length
  if (size > maxBytesOf(endpoint)) return unreadable(answer, "too large")
  if (size === 0) return unreadable(answer, "empty")

  // C2
  const image = Image.inspect(bytes)
  if (image !== undefined) {
    if (!endpoint.image) return unreadable(answer, "image")
    const { complete, mediaType } = image
    const decoded = complete ? decoder(endpoint)({ bytes, mediaType }) : undefined
    return decoded?._tag === "Success" ? Result.succeed(decoded.success) : unreadable(answer, "broken image")
  }

  // I2: what can't be read is a failure, whatever it is.
  const text = textOf(bytes)
  const json = text === undefined ? undefined : parse(text)
  if (json === undefined || text === undefined) return unreadable(answer, looksLikeHtml(bytes) ? "html" : "not JSON")
  if (typeof json !== "object" || json === null || Array.isArray(json)) return unreadable(answer, "unknown JSON")

  const fields = json as Fields
  const isCheck = endpoint.answers !== undefined
  const code = codeOf(fields, isCheck)
  if (code === undefined) return unreadable(answer, "unknown JSON")
  if (code !== 0 && !endpoint.answers?.includes(code)) return refused(endpoint, code, fields, secretsOf())
  if (endpoint.image) return unreadable(answer, "unknown JSON")
  // C1: the yes of a check is a 0 that is written as 0, once, and no other status beside or below it.
  const isYes = () => plainYes.test(text) || (yes.test(text) && countKeys(text, statusFields) === 1)
  if (isCheck && code === 0 && !isYes()) {
    return unreadable(answer, "unknown JSON")
  }
  // A code that is an answer counts in every spelling.
  const decoded = decoder(endpoint)(code === 0 ? fields : { ...fields, errCode: code })
  return Result.isSuccess(decoded) ? Result.succeed(decoded.success) : unreadable(answer, "unknown JSON")
}
