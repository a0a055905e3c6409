import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { both } from "./problem.ts"

const utf8 = new TextEncoder()
/** The length of a text in bytes of UTF-8. */
export const utf8Length = (text: string): number => utf8.encode(text).length
/** Formats a number with thousands separators. */
export const group = (n: number) => n.toLocaleString("en-US")

/** I1: a filter for strings of at most `max` bytes in UTF-8. Its error shows the size, not the text. */
export const maxBytes = (max: number) =>
  Schema.makeFilter<string>((text) => {
    // UTF-8 has at most 3 bytes for each UTF-16 unit, so most texts need not be encoded.
    if (text.length * 3 <= max) return undefined
    const size = utf8Length(text)
    return size <= max
      ? undefined
      : both(
          `is ${group(size)} bytes long; QQ takes at most ${group(max)}`,
          `长 ${group(size)} 字节，超过上限 ${group(max)} 字节`
        )
  })

const notEmpty = Schema.makeFilter<string>((text) => (text.length > 0 ? undefined : both("is empty", "不能为空")))

/** The schema of a string that is not empty. */
export const Text = Schema.String.check(notEmpty)

/** The schema of a number that is not NaN or infinite, with messages in English and Chinese. */
export const Finite = /* @__PURE__ */ Schema.Number.check(
  /* @__PURE__ */ Schema.makeFilter<number>((n) =>
    Number.isFinite(n) ? undefined : both("must be a finite number", "必须是有限的数字")
  )
)

const isRedacted = (u: unknown): u is Redacted.Redacted<string> => Redacted.isRedacted(u)

const plainOf = (secret: string | Redacted.Redacted<string>): string =>
  isRedacted(secret) ? Redacted.value(secret) : secret

/** Whether a value is a redacted text that is not empty. */
export const isRedactedText = (u: unknown): u is Redacted.Redacted<string> => {
  const text: unknown = Redacted.isRedacted(u) ? Redacted.value(u) : undefined
  return typeof text === "string" && text !== ""
}

const maxSecretLength = 4_096

/** The schema of a secret string: plain when encoded, redacted when decoded. `maxLength` is in characters. */
export const Secret = (maxLength: number) =>
  Text.check(Schema.makeFilter((text) => text.length <= maxLength)).pipe(
    Schema.decodeTo(Schema.declare(isRedacted), {
      decode: SchemaGetter.transform((text: string) => Redacted.make(text)),
      encode: SchemaGetter.transform(Redacted.value)
    })
  )

/** The schema of a secret that callers give plain or redacted, such as a session key. */
export const secretText = () =>
  Schema.Union([Text, Schema.declare(isRedactedText)])
    .annotate({ message: both("must be a string that is not empty, plain or redacted", "必须是非空字符串") })
    .check(
      Schema.makeFilter((secret) =>
        plainOf(secret).length <= maxSecretLength
          ? undefined
          : both(`must have at most ${group(maxSecretLength)} characters`, `最多 ${group(maxSecretLength)} 个字符`)
      )
    )
    .pipe(
      Schema.decodeTo(Schema.declare(isRedacted), {
        decode: SchemaGetter.transform((secret) => (isRedacted(secret) ? secret : Redacted.make(secret))),
        encode: SchemaGetter.transform((secret): string | Redacted.Redacted<string> => secret)
      })
    )

/** The schema of a whole number, with messages in English and Chinese. */
export const Whole = /* @__PURE__ */ Finite.check(
  /* @__PURE__ */ Schema.makeFilter<number>((n) =>
    Number.isSafeInteger(n) ? undefined : both("must be a whole number", "必须是整数")
  )
)

/** The schema of an integer in an answer. JSON has those of 64 bits as strings. */
export const Integer64 = /* @__PURE__ */ Schema.Union([Schema.Int, Schema.String]).pipe(
  /* @__PURE__ */ Schema.decodeTo(Schema.Int, {
    decode: /* @__PURE__ */ SchemaGetter.transform((n: number | string) =>
      typeof n === "number" ? n : /^-?\d+$/.test(n) ? Number(n) : NaN
    ),
    encode: /* @__PURE__ */ SchemaGetter.transform((n: number): number | string => n)
  })
)

/** The schema of an address that QQ calls: `http` or `https`, without white space. */
export const webAddress = () =>
  Text.check(
    Schema.makeFilter<string>((url) =>
      /^https?:\/\/[^\s\p{Cc}]+$/iu.test(url)
        ? undefined
        : both(
            "must be an address that QQ can reach, as https://example.com",
            "必须是 QQ 可以访问的网址，如 https://example.com"
          )
    )
  )

/** The schema of a page of a mini program: no leading `/`, a query is allowed. */
export const pagePath = () =>
  Text.check(
    Schema.makeFilter<string>((path) => {
      if (path.startsWith("/")) return both("must not begin with /", "不能以 / 开头")
      if (/^[a-z]+:\/\//i.test(path)) {
        return both(
          "must be a page of the program, as pages/index/index, not an address",
          "必须是小程序的页面路径，如 pages/index/index，不能是网址"
        )
      }
      return /[\s\p{Cc}]/u.test(path) ? both("has white space or control characters", "含有空白或控制字符") : undefined
    })
  )

/**
 * The schema of a success without a value: `errcode: 0`. The spelling `errCode` is accepted too, as it is as explicit.
 */
export const ok = () =>
  Schema.Union([
    Schema.Struct({ errcode: Schema.Literal(0), errmsg: Schema.optional(Schema.Unknown) }),
    Schema.Struct({ errCode: Schema.Literal(0) })
  ]).pipe(
    Schema.decodeTo(Schema.Void, {
      decode: SchemaGetter.transform(() => undefined),
      encode: SchemaGetter.transform(() => ({ errcode: 0 as const, errmsg: "ok" }))
    })
  )
