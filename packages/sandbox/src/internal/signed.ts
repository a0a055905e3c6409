import { sameSecret } from "@qq-mini/core/adapter/secrets"
import type * as Endpoint from "@qq-mini/core/Endpoint"
import type { QQError } from "@qq-mini/core/QQError"
import * as Signature from "@qq-mini/core/Signature"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Platform, User } from "./platform.ts"
import { defaultOffer } from "./program.ts"
import { type Refusal, refuse } from "./refusal.ts"

/** A request that its sender signed. */
export interface Sent {
  /** The program of the token. */
  readonly appid: string
  readonly query: URLSearchParams
  /** The body, exactly as it came. */
  readonly bytes: Uint8Array
  /** The fields of the body. */
  readonly body: Readonly<Record<string, unknown>>
}

const badParameters = refuse(90018, "invalid parameters")

/** Whether a call is one of the payments, which have codes of their own. */
export const isPayment = ({ name }: Endpoint.Any): boolean => /^(gamePay|midasPay)\./.test(name)

/** Refuses with this code, unless the signature is the expected one. What can't be signed is refused as well. */
const check = (given: unknown, expected: Effect.Effect<string, QQError>, code: number): Effect.Effect<void, Refusal> =>
  Effect.flatMap(
    Effect.orElseSucceed(expected, () => undefined),
    (signature) =>
      signature !== undefined && typeof given === "string" && sameSecret(signature, given)
        ? Effect.void
        : refuse(code, "invalid signature")
  )

/** The user of the program with this openid. */
export const userOf = (
  platform: Platform,
  appid: string,
  openid: unknown,
  code = 40003
): Effect.Effect<User, Refusal> => {
  const user = typeof openid === "string" ? platform.withOpenid(openid) : undefined
  return user === undefined || user.appid !== appid ? refuse(code, "invalid openid") : Effect.succeed(user)
}

const decode =
  <A>(schema: Schema.Codec<A, unknown>, refusal: Effect.Effect<never, Refusal>) =>
  (body: unknown): Effect.Effect<A, Refusal> => {
    const decoded = Schema.decodeUnknownResult(schema)(body)
    return Result.isSuccess(decoded) ? Effect.succeed(decoded.success) : refusal
  }

const Count = Schema.Int.check(Schema.isGreaterThan(0))

/** A text of at most so many bytes in UTF-8. */
const Bytes = (max: number) =>
  Schema.NonEmptyString.check(Schema.makeFilter((text) => new TextEncoder().encode(text).length <= max))

// --- a user's data -------------------------------------------------------------------------------------------------

const maxPairs = 128

const badData = refuse(40035, "invalid parameter")

const decodePairs = decode(
  Schema.Struct({
    kv_list: Schema.NonEmptyArray(
      Schema.Struct({ key: Bytes(128), value: Schema.String }).check(
        Schema.makeFilter(({ key, value }) => new TextEncoder().encode(key + value).length <= 1_024)
      )
    )
  }),
  badData
)

const decodeKeys = decode(Schema.Struct({ key: Schema.NonEmptyArray(Schema.NonEmptyString) }), badData)

const decodeNumbers = decode(
  Schema.Struct({ kv_list: Schema.NonEmptyArray(Schema.Struct({ key: Schema.NonEmptyString, value: Schema.Int })) }),
  badData
)

/** The user whose login state signed the body. */
const loggedIn = Effect.fnUntraced(function* (
  { appid, bytes, query }: Sent,
  platform: Platform
): Effect.fn.Return<User, Refusal> {
  const user = yield* userOf(platform, appid, query.get("openid"))
  if (query.get("sig_method") !== "hmac_sha256") return yield* badData
  yield* check(query.get("signature"), Signature.loginState(user.sessionKey, bytes), platform.switches.signatureCode)
  return user
})

// --- payments ------------------------------------------------------------------------------------------------------

const gameUser = { openid: Schema.String, appid: Schema.String, sig: Schema.String }

const decodeOrder = decode(
  Schema.Struct({
    ...gameUser,
    bill_no: Bytes(63),
    amt: Count,
    goodid: Schema.NonEmptyString,
    good_num: Count,
    ts: Schema.Int,
    zone_id: Schema.NonEmptyString,
    pf: Schema.NonEmptyString,
    app_remark: Schema.optional(Schema.String)
  }),
  badParameters
)

const decodeQuestion = decode(
  Schema.Struct({ ...gameUser, bill_no: Bytes(63), prepay_id: Schema.NonEmptyString }),
  badParameters
)

const decodeGameUser = decode(Schema.Struct(gameUser), badParameters)

/** The user of a call of `gamePay`, whose session key signed it. */
const player = Effect.fnUntraced(function* (
  path: string,
  { appid, body }: Sent,
  platform: Platform
): Effect.fn.Return<User, Refusal> {
  if (body["appid"] !== appid) return yield* badParameters
  const user = yield* userOf(platform, appid, body["openid"], 90018)
  const parameters = body as Readonly<Record<string, Signature.Value>>
  yield* check(body["sig"], Signature.gamePay({ path, parameters, session_key: user.sessionKey }), 90011)
  return user
})

const account = {
  openid: Schema.String,
  openkey: Schema.String,
  offer_id: Schema.String,
  ts: Schema.Int,
  zone_id: Schema.NonEmptyString,
  pf: Schema.NonEmptyString
}

const decodeAccount = decode(Schema.Struct(account), badParameters)
const decodePay = decode(Schema.Struct({ ...account, bill_no: Bytes(63), amt: Count }), badParameters)
const decodePresent = decode(
  Schema.Struct({ ...account, bill_no: Bytes(63), present_counts: Schema.Int }),
  badParameters
)

/** The user of a call of `midasPay`, which the key of the offer and the session key signed. */
const customer = Effect.fnUntraced(function* (
  path: Signature.MidasPath,
  { appid, body, query }: Sent,
  platform: Platform
): Effect.fn.Return<User, Refusal> {
  const { offer_id, openid, openkey } = yield* decodeAccount(body)
  const isPresent = path === "/v3/r/mpay/present_m"
  const { app_key, offer_id: offer } = platform.program(appid)?.offer ?? defaultOffer
  if (body[isPresent ? "qq_appid" : "appid"] !== appid || offer_id !== offer) return yield* badParameters
  const user = yield* userOf(platform, appid, openid, 90018)
  const { sessionKey } = user
  if (!sameSecret(sessionKey, openkey)) return yield* refuse(90010, "login expired")
  // The token in the body must be that of the request.
  if (!sameSecret(String(body["access_token"]), query.get("access_token") ?? "")) return yield* badParameters
  const parameters = body as Readonly<Record<string, Signature.Value>>
  yield* check(body["sig"], Signature.midas({ path, parameters, app_key }), 90011)
  yield* check(body["qq_sig"], Signature.midasQQ({ path, parameters, session_key: sessionKey }), 90009)
  return user
})

const remainder = ({ coins }: User) => coins.bought + coins.presents

const ok = { errcode: 0 }

/** The calls that sign what they send. */
export const signedHandlers = {
  "openData.setUserStorage": Effect.fnUntraced(function* (sent: Sent, platform: Platform) {
    const { storage } = yield* loggedIn(sent, platform)
    const { kv_list } = yield* decodePairs(sent.body)
    const keys = new Set([...storage.keys(), ...kv_list.map(({ key }) => key)])
    if (keys.size > maxPairs) return yield* badData
    for (const { key, value } of kv_list) storage.set(key, value)
  }),

  "openData.removeUserStorage": Effect.fnUntraced(function* (sent: Sent, platform: Platform) {
    const { storage } = yield* loggedIn(sent, platform)
    const { key } = yield* decodeKeys(sent.body)
    for (const one of key) storage.delete(one)
  }),

  "openData.setUserInteractiveData": Effect.fnUntraced(function* (sent: Sent, platform: Platform) {
    const { interactive } = yield* loggedIn(sent, platform)
    const { kv_list } = yield* decodeNumbers(sent.body)
    for (const { key, value } of kv_list) interactive.set(key, value)
  }),

  "encryption.getUserEncryptKey": Effect.fnUntraced(function* ({ appid, bytes, query }: Sent, platform: Platform) {
    const { signatureCode } = platform.switches
    if (query.get("appid") !== appid) return yield* refuse(40013, "invalid appid")
    const { encryptKey, sessionKey } = yield* userOf(platform, appid, query.get("openid"))
    if (!sameSecret(sessionKey, query.get("openkey") ?? "")) return yield* refuse(signatureCode, "invalid openkey")
    yield* check(query.get("sig"), Signature.loginState(sessionKey, bytes), signatureCode)
    return { key_info_list: [{ encrypt_key: Redacted.make(encryptKey), version: 1 }] }
  }),

  "gamePay.prePay": Effect.fnUntraced(function* (sent: Sent, platform: Platform) {
    const ordered = yield* decodeOrder(sent.body)
    yield* player("/api/json/openApiPay/GamePrePay", sent, platform)
    return yield* platform.shop.prepay(sent.appid, ordered, {
      now: yield* Clock.currentTimeMillis,
      prepayId: platform.newId(),
      repeatable: platform.switches.repeatedPrepay === "answered"
    })
  }),

  "gamePay.checkPay": Effect.fnUntraced(function* (sent: Sent, platform: Platform) {
    const { bill_no, openid, prepay_id } = yield* decodeQuestion(sent.body)
    yield* player("/api/json/openApiPay/CheckGamePay", sent, platform)
    const order = platform.shop.order(sent.appid, bill_no)
    if (order === undefined || order.openid !== openid || order.prepayId !== prepay_id) return yield* badParameters
    const { app_remark, paidAt } = order
    return {
      ...ok,
      pay_state: paidAt === undefined ? 0 : 1,
      ...(paidAt === undefined ? {} : { pay_time: Math.floor(paidAt / 1_000) }),
      ...(app_remark === undefined ? {} : { app_remark })
    }
  }),

  "gamePay.getBalance": Effect.fnUntraced(function* (sent: Sent, platform: Platform) {
    yield* decodeGameUser(sent.body)
    const user = yield* player("/api/json/openApiPay/GetBalance", sent, platform)
    return { ...ok, remainder: remainder(user) }
  }),

  "midasPay.pay": Effect.fnUntraced(function* (sent: Sent, platform: Platform) {
    const { amt, bill_no } = yield* decodePay(sent.body)
    const user = yield* customer("/v3/r/mpay/pay_m", sent, platform)
    const used_gen_amt = yield* platform.shop.take(user, bill_no, amt)
    return { ...ok, bill_no, balance: remainder(user), used_gen_amt, trade_id: platform.newId() }
  }),

  "midasPay.getBalance": Effect.fnUntraced(function* (sent: Sent, platform: Platform) {
    const user = yield* customer("/v3/r/mpay/get_balance_m", sent, platform)
    return { ...ok, remainder: remainder(user) }
  }),

  "midasPay.present": Effect.fnUntraced(function* (sent: Sent, platform: Platform) {
    const { bill_no, present_counts } = yield* decodePresent(sent.body)
    const user = yield* customer("/v3/r/mpay/present_m", sent, platform)
    yield* platform.shop.give(user, bill_no, present_counts)
    return { ...ok, bill_no, balance: remainder(user) }
  })
}
