/**
 * The coins of a game at Midas (米大师): `midasPay.pay`, `midasPay.getBalance`, `midasPay.present`.
 *
 * Each call is signed twice: with the AppKey of the offer, and with the session key of the user's login. The client makes
 * both signatures.
 *
 * These calls are not in QQ's documents that are left. They come from the code of other clients, and the fields of the
 * answers from QQ's own message types. Try them in Midas's sandbox (`sandbox_env: 1`) first.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Code } from "./Code.ts"
import type { Composed, Ingredients } from "./endpoint/definition.ts"
import * as Endpoint from "./Endpoint.ts"
import { jsonContent } from "./internal/composed.ts"
import { amount, answer, billNo, paymentCodes, seconds, secondsOr } from "./internal/payment.ts"
import { both } from "./internal/problem.ts"
import { secretText, Text } from "./internal/schema.ts"
import { Rejected } from "./reason/answered.ts"
import type { QQError } from "./reason/error.ts"
import { midas, type MidasPath, midasQQ } from "./Signature.ts"

const account = () => ({
  openid: Text,
  session_key: secretText(),
  app_key: secretText(),
  offer_id: Text,
  ts: Schema.optional(seconds()),
  zone_id: Schema.optional(Text),
  pf: Schema.optional(Text),
  pfkey: Schema.optional(Text),
  sandbox_env: Schema.optional(Schema.Literals([0, 1]).annotate({ message: both("must be 0 or 1", "必须是 0 或 1") }))
})

type Account = Schema.Struct<ReturnType<typeof account>>["Type"]

/** Composes a request that is signed twice. `appidName` is the name of the parameter with the appid. */
const signed =
  (path: MidasPath, appidName: "appid" | "qq_appid" = "appid") =>
  ({ appid, token, wire }: Ingredients<Account>): Effect.Effect<Composed, QQError> =>
    Effect.gen(function* () {
      const { app_key, pf, pfkey = "pfKey", sandbox_env = 0, session_key, zone_id = "1", ...own } = wire
      const openkey = Redacted.value(session_key)
      const parameters = {
        ...own,
        openkey,
        [appidName]: appid,
        ts: yield* secondsOr(wire.ts),
        zone_id,
        pf: pf ?? `qqapp_qq-2001-android-2011-${appid}`,
        pfkey
      }
      const sig = yield* midas({ path, parameters, app_key })
      const access_token = Redacted.value(token!)
      const qq_sig = yield* midasQQ({
        path,
        parameters: { ...parameters, sig, access_token },
        session_key
      })
      return { ...jsonContent({ ...parameters, sig, sandbox_env, access_token, qq_sig }), query: [] }
    })

const codes = (): ReadonlyArray<Code> => [
  ...paymentCodes,
  {
    code: 90009,
    reason: Rejected,
    help: {
      en: "The signature qq_sig is wrong. Is the session_key that of the user's last login?",
      zh: "qq_sig 签名错误，请检查 session_key 是否来自该用户最近一次登录。"
    }
  },
  {
    code: 90010,
    reason: Rejected,
    help: {
      en: "The user's login has expired. Call qq.login again and use the new session_key.",
      zh: "用户未登录或登录态已过期。请在小程序端重新调用 qq.login，并使用新的 session_key。"
    }
  },
  {
    code: 90012,
    reason: Rejected,
    help: {
      en: "Midas has an order with this bill_no. If an earlier call with it failed, that one was executed.",
      zh: "该 bill_no 的订单已存在。如果之前用它调用失败过，说明那一次已经执行。"
    }
  },
  {
    code: 90013,
    reason: Rejected,
    help: { en: "The user does not have enough coins.", zh: "用户余额不足。" }
  }
]

const otherNames = { app_key: ["appKey"], offer_id: ["offerId"], session_key: ["openkey"] }

const once = {
  delivery: "once",
  ifUnknown: {
    en: "It can't be known whether the coins of the user have changed. Compare getBalance first. If they have not, call again with the same bill_no, never with another: QQ charges a bill_no only once.",
    zh: "无法确定用户的游戏币是否已变动。请先用 getBalance 核对；确认未变动后再以同一 bill_no 调用，切勿更换：QQ 对同一 bill_no 不会重复扣款。"
  }
} as const

const payment = () =>
  Schema.Struct({
    ...account(),
    bill_no: billNo(),
    amt: amount(),
    user_ip: Schema.optional(Text),
    pay_item: Schema.optional(Text),
    app_remark: Schema.optional(Text)
  })

/** A payment. */
export interface Payment {
  /** The order's number. */
  readonly bill_no?: string | undefined
  /** The coins that the user has left. */
  readonly balance: number
  /** How many of the coins that were paid had been presents. */
  readonly used_gen_amt: number
  /** Midas's number of the payment. */
  readonly trade_id?: string | undefined
}

/**
 * Takes coins from a user.
 *
 * - `openid`, `session_key`: of the user's last login.
 * - `app_key`, `offer_id`: the secret key and the id of the offer at Midas. The sandbox has a key of its own.
 * - `bill_no`: your number of the order, at most 63 bytes. `amt`: how many coins.
 * - `ts` (default now): the time in seconds since 1970. `zone_id` (default `"1"`), `pf` (default
 *   `qqapp_qq-2001-android-2011-{appid}`), `pfkey` (default `pfKey`): the zone and the platform.
 * - `sandbox_env` (default 0): 1 for Midas's sandbox.
 * - `user_ip`, `pay_item`, `app_remark`: the user's address, the name of what is bought, and a remark.
 *
 * Never repeated by the client. Only an explicit `errcode: 0` is a success; an integer that is left out then counts as 0.
 * Codes: 90009 (`qq_sig`), 90010 (login expired), 90011 (`sig`), 90012 (`bill_no` exists), 90013 (too few coins), 90017
 * (permission), 90018 (parameters). Not documented by QQ, see the head of this module.
 */
export const pay = /* @__PURE__ */ Endpoint.post("midasPay.pay", "/api/json/openApiPay/MiniPay", () => ({
  authorization: "access_token",
  input: payment(),
  otherNames: { ...otherNames, amt: ["amount"] },
  wire: Schema.toType(payment()),
  compose: signed("/v3/r/mpay/pay_m"),
  appid: true,
  secrets: ["session_key", "app_key"],
  output: answer(
    ["balance", "used_gen_amt"],
    { bill_no: Schema.optional(Schema.String), trade_id: Schema.optional(Schema.String) },
    true
  ),
  select: ({ balance = 0, bill_no, trade_id, used_gen_amt = 0 }): Payment => ({
    balance,
    used_gen_amt,
    ...(bill_no === undefined ? {} : { bill_no }),
    ...(trade_id === undefined ? {} : { trade_id })
  }),
  codes: codes(),
  ...once
}))

/**
 * Reads how many coins a user has.
 *
 * - Parameters: those of `pay` that are about the user, the offer and the platform.
 *
 * A `remainder` that is left out counts as 0 only with an explicit `errcode: 0`. Not documented by QQ, see the head of
 * this module.
 */
export const getBalance = /* @__PURE__ */ Endpoint.post(
  "midasPay.getBalance",
  "/api/json/openApiPay/MiniGetBalance",
  () => ({
    authorization: "access_token",
    input: Schema.Struct(account()),
    otherNames,
    wire: Schema.toType(Schema.Struct(account())),
    compose: signed("/v3/r/mpay/get_balance_m"),
    appid: true,
    secrets: ["session_key", "app_key"],
    output: answer(["remainder"], {}),
    select: ({ remainder = 0 }): { readonly remainder: number } => ({ remainder }),
    codes: codes(),
    delivery: "repeatable"
  })
)

const gift = () =>
  Schema.Struct({ ...account(), bill_no: billNo(), present_counts: amount(), user_ip: Schema.optional(Text) })

/** A present. */
export interface Present {
  /** The order's number. */
  readonly bill_no?: string | undefined
  /** The coins that the user has now. */
  readonly balance: number
}

/**
 * Gives coins to a user.
 *
 * - `bill_no`: your number of the present, at most 63 bytes. `present_counts`: how many coins.
 * - The other parameters are those of `pay`.
 *
 * Never repeated by the client. Only an explicit `errcode: 0` is a success. Not documented by QQ, see the head of this
 * module.
 */
export const present = /* @__PURE__ */ Endpoint.post("midasPay.present", "/api/json/openApiPay/MiniPresent", () => ({
  authorization: "access_token",
  input: gift(),
  otherNames: { ...otherNames, present_counts: ["present_count"] },
  wire: Schema.toType(gift()),
  compose: signed("/v3/r/mpay/present_m", "qq_appid"),
  appid: true,
  secrets: ["session_key", "app_key"],
  output: answer(["balance"], { bill_no: Schema.optional(Schema.String) }, true),
  select: ({ balance = 0, bill_no }): Present => ({ balance, ...(bill_no === undefined ? {} : { bill_no }) }),
  codes: codes(),
  ...once
}))
