/** What an answer says, by its bytes. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Redacted from "effect/Redacted"
import type { Any } from "../endpoint/definition.ts"
import { fromCode } from "../Code.ts"
import { UnreadableAnswer } from "../reason/client.ts"
import type { Failure } from "../Retry.ts"
import * as Image from "./image.ts"
import { countKeys, parse, textOf } from "./strictJson.ts"
import { scrub } from "../internal/secrets.ts"

/** What came back over the wire. */
export interface Answer {
  readonly status: number
  readonly bytes: Uint8Array
  /** The length of a body that is too large to be read. */
  readonly announced?: number | undefined
  /** Milliseconds from `Retry-After`. */
  readonly wait: number | undefined
}

/** The largest answer of a call in bytes: QQ's are a few hundred bytes, its images at most a few hundred KB. */
export const maxBytesOf = ({ image }: Any): number => (image ? 8 : 1) * 1024 * 1024

const statusFields = ["errcode", "errCode", "code"] as const
const textFields = ["errmsg", "errMsg", "message", "msg"] as const

const integer = (value: unknown): number | undefined => {
  if (typeof value === "string" && /^-?\d{1,15}$/.test(value)) return Number(value)
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined
}

const yes = /"errCode"\s*:\s*0\s*[,}]/

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

/**
 * Bytes become a success or an error, by their content: never by status, length or Content-Type.
 *
 * A code other than 0 in any of the three spellings is QQ's error. A success is what the endpoint's own schema takes; the
 * rest is unreadable, and so never a pass.
 */
export const read = (
  endpoint: Any,
  answer: Answer,
  secretsOf: () => ReadonlyArray<Redacted.Redacted<string>>
): Result.Result<unknown, Failure> => {
  const { announced, bytes, status, wait } = answer
  const size = announced ?? bytes.length
  const unreadable = (found: string) =>
    Result.fail<Failure>({
      // a header may announce a length beyond all numbers
      reason: new UnreadableAnswer({
        found,
        status,
        size: Math.min(size, Number.MAX_SAFE_INTEGER),
        ...(wait === undefined ? {} : { wait })
      }),
      phase: "lost"
    })

  if (size > maxBytesOf(endpoint)) return unreadable("too large")
  if (size === 0) return unreadable("empty")

  const image = Image.inspect(bytes)
  if (image !== undefined) {
    if (!endpoint.image) return unreadable("image")
    if (!image.complete) return unreadable("broken image")
    const decoded = decoder(endpoint)({ bytes, mediaType: image.mediaType })
    return Result.isSuccess(decoded) ? Result.succeed(decoded.success) : unreadable("broken image")
  }

  const isCheck = endpoint.answers !== undefined
  const text = textOf(bytes)
  const json = text === undefined ? undefined : parse(text)
  if (json === undefined || text === undefined) return unreadable(looksLikeHtml(bytes) ? "html" : "not JSON")
  if (typeof json !== "object" || json === null || Array.isArray(json)) return unreadable("unknown JSON")

  const fields = json as Record<string, unknown>
  const own = (name: string) => (Object.hasOwn(fields, name) ? fields[name] : undefined)
  let code = 0
  for (const name of statusFields) {
    const value = own(name)
    if (value === undefined) continue
    const number = integer(value)
    // elsewhere `code` may be somebody else's field; a check trusts nothing that can't be read
    if (number === undefined && (name !== "code" || isCheck)) return unreadable("unknown JSON")
    if (number !== undefined && number !== 0) {
      code = number
      break
    }
  }
  if (code !== 0 && !endpoint.answers?.includes(code)) {
    const secrets = secretsOf()
    const said = textFields.map((name) => scrub(own(name), secrets)).find((said) => said !== "") ?? ""
    return Result.fail<Failure>({ reason: fromCode(endpoint.codes, code, said), phase: "answered" })
  }
  if (endpoint.image) return unreadable("unknown JSON")
  // the yes of a check is a 0 that is written as 0, once, and no other status beside or below it
  if (isCheck && code === 0 && !(yes.test(text) && countKeys(text, statusFields) === 1))
    return unreadable("unknown JSON")

  // a code that is an answer counts in every spelling
  const decoded = decoder(endpoint)(code === 0 ? fields : { ...fields, errCode: code })
  return Result.isSuccess(decoded) ? Result.succeed(decoded.success) : unreadable("unknown JSON")
}
