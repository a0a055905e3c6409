import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { both } from "./problem.ts"

const utf8 = new TextEncoder()
/** Formats a number with thousands separators. */
export const group = (n: number) => n.toLocaleString("en-US")

/** I1: a filter for strings of at most `max` bytes in UTF-8. Its error shows the size, not the text. */
export const maxBytes = (max: number) =>
  Schema.makeFilter<string>((text) => {
    // UTF-8 has at most 3 bytes for each UTF-16 unit, so most texts need not be encoded.
    if (text.length * 3 <= max) return undefined
    const size = utf8.encode(text).length
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

/** The schema of a secret string: plain when encoded, redacted when decoded. `maxLength` is in characters. */
export const Secret = (maxLength: number) =>
  Text.check(Schema.makeFilter((text) => text.length <= maxLength)).pipe(
    Schema.decodeTo(Schema.declare(isRedacted), {
      decode: SchemaGetter.transform((text: string) => Redacted.make(text)),
      encode: SchemaGetter.transform(Redacted.value)
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
