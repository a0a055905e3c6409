/**
 * Purchases in mini games: `gamePay.prePay`, `gamePay.checkPay`, `gamePay.getBalance`.
 *
 * Each call is signed with the session key of the user's login, which `code2Session` returns with `needKey`. The client
 * makes the signature.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Code } from "./Code.ts"
import type { Composed, Ingredients } from "./endpoint/definition.ts"
import * as Endpoint from "./Endpoint.ts"
import { jsonContent } from "./internal/composed.ts"
import { amount, answer, billNo, paymentCodes, seconds, secondsOr } from "./internal/payment.ts"
import { secretText, Text } from "./internal/schema.ts"
import { Rejected } from "./reason/answered.ts"
import type { QQError } from "./reason/error.ts"
import { gamePay, type Value } from "./Signature.ts"

const user = () => ({ openid: Text, session_key: secretText() })

type User = Schema.Struct<ReturnType<typeof user>>["Type"]

/** Composes a request with the signature in the body. */
const signed =
  (path: string) =>
  ({ appid, wire }: Ingredients<User>, more?: Readonly<Record<string, Value>>): Effect.Effect<Composed, QQError> => {
    const { session_key, ...own } = wire
    const parameters = { ...own, appid, ...more }
    return Effect.map(gamePay({ path, parameters, session_key }), (sig) => ({
      ...jsonContent({ ...parameters, sig }),
      query: []
    }))
  }

const order = () =>
  Schema.Struct({
    ...user(),
    bill_no: billNo(),
    amt: amount(),
    goodid: Text,
    good_num: amount(),
    ts: Schema.optional(seconds()),
    zone_id: Schema.optional(Text),
    pf: Schema.optional(Text),
    user_ip: Schema.optional(Text),
    app_remark: Schema.optional(Text)
  })

const prePayPath = "/api/json/openApiPay/GamePrePay"

const orderExists: Code = {
  code: 90012,
  reason: Rejected,
  help: {
    en: "QQ has an order with this bill_no. If an earlier call with it failed, that one made the order.",
    zh: "该 bill_no 的订单已存在。如果之前用它调用失败过，说明那一次已经下单。"
  }
}

/**
 * Makes an order, which the user then pays in the game.
 *
 * - `openid`, `session_key`: of the user's last login.
 * - `bill_no`: your number of the order, at most 63 bytes. QQ charges a number only once.
 * - `amt`: the price. `goodid`, `good_num`: which good of q.qq.com, and how many.
 * - `ts` (default now): the time in seconds since 1970. `zone_id` (default `"1"`), `pf` (default
 *   `qq_m_qq-2001-android-2011`): the zone of the game, and the platform.
 * - `user_ip`: not signed. `app_remark`: QQ's document doesn't say how other characters than `A-Za-z0-9_.-` are signed,
 *   so use these alone.
 *
 * The result is the `prepayId`, which is valid for 48 hours. `token` and `extInfo` are there if QQ gives them; its
 * document names only `prepayId`.
 *
 * If an answer gets lost the call is repeated with the same `bill_no`. If QQ then says `90012`, the first attempt made
 * the order and its `prepayId` is lost: the call fails with `OutcomeUnknown`, whose `because` has the code 90012. Without
 * an attempt that got lost, 90012 is `Rejected`. Further codes: -3000 (token), 90011 (signature), 90017 (permission),
 * 90018 (parameters). Source: QQ's document on payments in mini games.
 */
export const prePay = /* @__PURE__ */ Endpoint.post("gamePay.prePay", prePayPath, () => ({
  authorization: "access_token",
  input: order(),
  otherNames: { goodid: ["good_id"], bill_no: ["out_trade_no"], amt: ["amount"] },
  wire: Schema.toType(order()),
  compose: ({ wire, ...rest }) =>
    Effect.flatMap(secondsOr(wire.ts), (ts) => {
      const { pf = "qq_m_qq-2001-android-2011", zone_id = "1" } = wire
      return signed(prePayPath)({ ...rest, wire }, { ts, zone_id, pf })
    }),
  appid: true,
  secrets: ["session_key"],
  output: Schema.Struct({
    prepayId: Text,
    token: Schema.optional(Schema.String),
    extInfo: Schema.optional(Schema.String)
  }),
  codes: [...paymentCodes, orderExists],
  delivery: "singleUse",
  ifUnknown: {
    en: "QQ may have made the order, but its prepayId is not known. Call again with the same bill_no, which QQ charges only once. If QQ then says 90012, it has the order; nobody can pay it without its prepayId, so use another bill_no.",
    zh: "订单可能已生成，但未取得 prepayId。请用同一 bill_no 再次调用，QQ 不会重复扣款；若返回 90012，说明订单已存在，没有 prepayId 无法支付，请换用新的 bill_no。"
  }
}))

const question = () => Schema.Struct({ ...user(), bill_no: billNo(), prepay_id: Text })

const checkPayPath = "/api/json/openApiPay/CheckGamePay"

/** The state of an order. */
export interface PayState {
  /** 1 if it is paid. QQ does not document the other numbers. */
  readonly pay_state: number
  /** When it was paid. QQ does not document the format. */
  readonly pay_time?: string | number | undefined
  /** The remark of the order. */
  readonly app_remark?: string | undefined
}

/**
 * Reads whether an order is paid.
 *
 * - `openid`, `session_key`: of the user's last login.
 * - `bill_no`, `prepay_id`: the order's number, and the `prepayId` that `prePay` returned.
 *
 * Deliver only if `pay_state` is 1. QQ documents the call; the fields of its answer come from the code of other clients
 * and from QQ's own message types. QQ may leave out a `pay_state` of 0, which counts only with an explicit `errcode: 0`.
 */
export const checkPay = /* @__PURE__ */ Endpoint.post("gamePay.checkPay", checkPayPath, () => ({
  authorization: "access_token",
  input: question(),
  otherNames: { prepay_id: ["prepayId"] },
  wire: Schema.toType(question()),
  compose: signed(checkPayPath),
  appid: true,
  secrets: ["session_key"],
  output: answer(["pay_state"], {
    pay_time: Schema.optional(Schema.Union([Schema.String, Schema.Finite])),
    app_remark: Schema.optional(Schema.String)
  }),
  select: ({ app_remark, pay_state = 0, pay_time }): PayState => ({
    pay_state,
    ...(pay_time === undefined ? {} : { pay_time }),
    ...(app_remark === undefined ? {} : { app_remark })
  }),
  codes: paymentCodes,
  delivery: "repeatable"
}))

const balancePath = "/api/json/openApiPay/GetBalance"

/**
 * Reads the balance of a user.
 *
 * - `openid`, `session_key`: of the user's last login.
 *
 * Not in QQ's documents that are left: the call comes from the code of other clients and QQ's own message types. QQ may
 * leave out a `remainder` of 0, which counts only with an explicit `errcode: 0`.
 */
export const getBalance = /* @__PURE__ */ Endpoint.post("gamePay.getBalance", balancePath, () => ({
  authorization: "access_token",
  input: Schema.Struct(user()),
  wire: Schema.toType(Schema.Struct(user())),
  compose: signed(balancePath),
  appid: true,
  secrets: ["session_key"],
  output: answer(["remainder"], {}),
  select: ({ remainder = 0 }): { readonly remainder: number } => ({ remainder }),
  codes: paymentCodes,
  delivery: "repeatable"
}))
