/** What QQ's payment calls share: parameters, answers and codes. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Code } from "../Code.ts"
import { InvalidToken, Rejected } from "../reason/answered.ts"
import { InvalidInput } from "../reason/client.ts"
import { both } from "./problem.ts"
import { Integer64, maxBytes, Text, Whole } from "./schema.ts"

/** The schema of an amount: a whole number above 0. */
export const amount = () =>
  Whole.check(Schema.makeFilter((n) => (n > 0 ? undefined : both("must be above 0", "必须大于 0"))))

/** The schema of an order's number. */
export const billNo = () => Text.check(maxBytes(63))

/** The schema of a time in seconds since 1970. */
export const seconds = () =>
  Whole.check(
    Schema.makeFilter((n) =>
      n > 0 && n < 1e11 ? undefined : both("must be a time in seconds, not milliseconds", "必须是以秒为单位的时间")
    )
  )

/** The given time, or the current one, in seconds. */
export const secondsOr = (ts: number | undefined): Effect.Effect<number> =>
  ts === undefined ? Effect.map(Clock.currentTimeMillis, (millis) => Math.floor(millis / 1_000)) : Effect.succeed(ts)

const status = { errcode: Schema.optional(Schema.Unknown), errCode: Schema.optional(Schema.Unknown) }

const isZero = (code: unknown): boolean => code === 0 || code === "0"

/**
 * The schema of an answer with integers. QQ may leave out those that are 0, so a missing one counts as 0 if QQ says
 * explicitly that the call succeeded. With `explicit`, an answer that does not say so is no success at all.
 */
export const answer = <const Names extends ReadonlyArray<string>, Fields extends Schema.Struct.Fields>(
  integers: Names,
  others: Fields,
  explicit = false
) => {
  const fields = Object.fromEntries(integers.map((name) => [name, Schema.optional(Integer64)]))
  type Integers = { readonly [K in Names[number]]: Schema.optional<typeof Integer64> }
  return Schema.Struct({ ...status, ...others, ...(fields as Integers) }).check(
    Schema.makeFilter(
      (answer: Readonly<Record<string, unknown>>) =>
        [answer["errcode"], answer["errCode"]].some(isZero) ||
        (!explicit && integers.every((name) => answer[name] !== undefined))
    )
  )
}

/** QQ's codes for all payment calls. */
export const paymentCodes: ReadonlyArray<Code> = [
  { code: -3000, reason: InvalidToken },
  {
    code: 90011,
    reason: Rejected,
    help: {
      en: "The signature is wrong. Is the session_key that of the user's last login, and for Midas the app_key that of this environment?",
      zh: "签名错误。请检查 session_key 是否来自该用户最近一次登录；米大师还请检查 app_key 是否属于当前环境。"
    }
  },
  {
    code: 90017,
    reason: Rejected,
    help: {
      en: "The program may not make this call. Apply for payments at q.qq.com.",
      zh: "该小程序没有调用此接口的权限，请到 q.qq.com 开通支付。"
    }
  },
  {
    code: 90018,
    reason: InvalidInput,
    field: "parameters",
    help: { en: "QQ does not accept one of them; its text may say which.", zh: "参数错误，请参考返回的说明。" }
  }
]
