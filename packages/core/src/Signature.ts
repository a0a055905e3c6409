/**
 * The signatures of QQ's API: of the login state, of user data, of game purchases and their notifications, and of
 * Midas.
 *
 * The calls of this client sign themselves. These functions are for a server that checks what it receives, and for
 * calls that the client does not have.
 *
 * They run on the `WebCrypto` of `effect/crypto`. A runtime without a global `crypto`, as Node 16, needs its layer with
 * the `webcrypto` of `node:crypto`. Secrets may be plain or redacted. All functions fail with a `QQError`: with
 * `InvalidInput` for a secret that is missing or a parameter that is neither a string nor a number, and with
 * `InvalidConfig` if the runtime has no `crypto.subtle`. No error shows a value.
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"
import { sameSecret } from "./internal/secrets.ts"
import {
  checkPath,
  checkText,
  encoders,
  type Encoding,
  invalid,
  type Pairs,
  pairsOf,
  type Parameters,
  plain,
  type Secret
} from "./internal/signing.ts"
import { hmac, sha1 } from "./internal/webCrypto.ts"
import type { QQError } from "./reason/error.ts"

export type { Encoding, Parameters, Secret, Value } from "./internal/signing.ts"

/**
 * The signature of the login state, in hexadecimal digits: `signature` beside `sig_method=hmac_sha256` in the calls
 * that change a user's open data. It is the HMAC-SHA256 of the body.
 *
 * - `session_key`: as QQ returned it, not decoded.
 * - `body`: exactly the bytes that are sent. `""` for a GET.
 *
 * Source: QQ's document on the signature of the login state. This reproduces its sample.
 */
export const loginState = /* @__PURE__ */ Effect.fnUntraced(function* (
  session_key: Secret,
  body: string | Uint8Array
): Effect.fn.Return<string, QQError> {
  const key = yield* plain("signature.loginState", "session_key", session_key)
  if (!(body instanceof Uint8Array)) yield* checkText("signature.loginState", "body", body)
  return Hex.encode(yield* hmac("SHA-256", key, body))
})

/**
 * The `sig` of `GetUserEncryptKey`, in hexadecimal digits: the signature of the login state for the body `{}`. Send
 * exactly this body.
 *
 * QQ does not document it. It is seen in the code of other clients.
 */
export const encryptKey = (session_key: Secret): Effect.Effect<string, QQError> => loginState(session_key, "{}")

/**
 * The signature of a user's data, in hexadecimal digits: the `signature` that `qq.getUserInfo` returns beside
 * `rawData`. It is the SHA-1 of `rawData` followed by the session key. `UserData` checks it.
 *
 * Source: QQ's document on open data. The sample printed there is wrong: its signature belongs to another avatar
 * address than the one in its text.
 */
export const userData = /* @__PURE__ */ Effect.fnUntraced(function* (
  rawData: string,
  session_key: Secret
): Effect.fn.Return<string, QQError> {
  const key = yield* plain("signature.userData", "session_key", session_key)
  yield* checkText("signature.userData", "rawData", rawData)
  return Hex.encode(yield* sha1(rawData + key))
})

/** The scheme of game purchases. The key is signed too, at the end, as it is. */
const purchase = (path: string, pairs: Pairs, encoding: Encoding, keyName: string, key: string) => {
  const encode = encoders[encoding]
  // Names are encoded too. Otherwise a name with = and & could stand for several parameters.
  const signed = pairs
    .filter(([name, text]) => text !== "" && name !== "sig" && name !== "user_ip")
    .map(([name, text]) => `${encode(name)}=${encode(text)}`)
  const message = ["POST", encoders.component(path), ...signed, `${keyName}=${key}`].join("&")
  return Effect.map(hmac("SHA-256", key, message), Hex.encode)
}

/** What the signature of a game purchase is made of. */
export interface GamePayOptions {
  /** The path of the call, such as `/api/json/openApiPay/GamePrePay`. */
  readonly path: string
  /** The body of the call. `sig`, `user_ip` and empty parameters are not signed. */
  readonly parameters: Parameters
  /** The user's session key as QQ returned it, not decoded. */
  readonly session_key: Secret
}

/**
 * The `sig` of `GamePrePay`, `CheckGamePay` and `GetBalance`, in hexadecimal digits.
 *
 * The scheme is from QQ's document on `GamePrePay`, and this reproduces its sample. How values are encoded is seen only
 * in the code of other clients, which differ for characters other than `A-Za-z0-9_.-`. Here it is `encodeURIComponent`.
 * Write `app_remark` and `bill_no` with `A-Za-z0-9_.-` alone: every encoding leaves those as they are.
 */
export const gamePay = /* @__PURE__ */ Effect.fnUntraced(function* ({
  parameters,
  path,
  session_key
}: GamePayOptions): Effect.fn.Return<string, QQError> {
  const key = yield* plain("signature.gamePay", "session_key", session_key)
  yield* checkPath("signature.gamePay", path)
  return yield* purchase(path, yield* pairsOf("signature.gamePay", parameters), "component", "session_key", key)
})

/** What the signature of a payment notification is made of. */
export interface PayNotificationOptions {
  /** The path of your address that QQ calls, as it is registered at QQ, without the host. */
  readonly path: string
  /** All that QQ posts: the object of a JSON body, or the `URLSearchParams` of a form. */
  readonly parameters: Parameters
  /** The program's AppSecret. */
  readonly appsecret: Secret
}

/**
 * The `sig` of the notification that QQ posts after a game payment, in hexadecimal digits. `sig` and empty parameters
 * are not signed. It is for tests: {@link verifyPayNotification} checks a notification.
 *
 * - `encoding` (default `component`): how the values are encoded. QQ does not document which one it uses.
 *
 * Source: QQ's document on game payments, and the code of other clients.
 */
export const payNotification = /* @__PURE__ */ Effect.fnUntraced(function* ({
  appsecret,
  encoding = "component",
  parameters,
  path
}: PayNotificationOptions & { readonly encoding?: Encoding | undefined }): Effect.fn.Return<string, QQError> {
  const key = yield* plain("signature.payNotification", "appsecret", appsecret)
  yield* checkPath("signature.payNotification", path)
  return yield* purchase(path, yield* pairsOf("signature.payNotification", parameters), encoding, "AppSecret", key)
})

/**
 * Whether the `sig` of a payment notification is right, with either {@link Encoding} of its values. Both are always
 * compared, in constant time. A parameter that occurs twice, or is neither a string nor a number, makes it `false`.
 *
 * `true` does not say that the notification is new. QQ repeats it until you answer `{"code":0,"msg":"成功"}`, and whoever
 * has seen one can send it again. So deliver each `bill_no` once, and compare `amt` with your order.
 *
 * Source: as {@link payNotification}. QQ's own notifications were not at hand to check this against.
 */
export const verifyPayNotification = /* @__PURE__ */ Effect.fnUntraced(function* ({
  appsecret,
  parameters,
  path
}: PayNotificationOptions): Effect.fn.Return<boolean, QQError> {
  const key = yield* plain("signature.verifyPayNotification", "appsecret", appsecret)
  yield* checkPath("signature.verifyPayNotification", path)
  const pairs = yield* Effect.orElseSucceed(pairsOf("signature.verifyPayNotification", parameters), (): Pairs => [])
  const sig = pairs.find(([name]) => name === "sig")?.[1]
  if (sig === undefined || new Set(pairs.map(([name]) => name)).size < pairs.length) return false
  const component = yield* purchase(path, pairs, "component", "AppSecret", key)
  const form = yield* purchase(path, pairs, "form", "AppSecret", key)
  // S2: both are compared, even if the first is right.
  return [component, form].reduce((found, expected) => sameSecret(expected, sig) || found, false)
})

// The parameters that are signed, sorted.
const midasNames = {
  "/v3/r/mpay/pay_m": "amt app_remark appid bill_no offer_id openid openkey pay_item pf ts user_ip zone_id",
  "/v3/r/mpay/get_balance_m": "appid offer_id openid openkey pf pfkey ts zone_id",
  "/v3/r/mpay/present_m": "bill_no offer_id openid openkey pf pfkey present_counts qq_appid ts user_ip zone_id"
}

const midasQQNames = {
  "/v3/r/mpay/pay_m": "access_token appid offer_id openid pf sig ts zone_id",
  "/v3/r/mpay/get_balance_m": "access_token appid offer_id openid pf sig ts zone_id",
  "/v3/r/mpay/present_m": "access_token offer_id openid pf qq_appid sig ts zone_id"
}

/**
 * The path that a Midas call is signed with: `pay_m` for `MiniPay`, `get_balance_m` for `MiniGetBalance`, `present_m`
 * for `MiniPresent`. It is not the path of the request.
 */
export type MidasPath = keyof typeof midasNames

const midasHmac = /* @__PURE__ */ Effect.fnUntraced(function* (
  call: string,
  message: {
    readonly method: "GET" | "POST"
    readonly names: Readonly<Record<MidasPath, string>>
    readonly path: MidasPath
    readonly parameters: Parameters
  },
  key: string
): Effect.fn.Return<string, QQError> {
  const { method, names, parameters, path } = message
  if (!Object.hasOwn(names, path)) {
    const paths = Object.keys(names)
    return yield* invalid(call, "path", {
      en: `must be one of ${paths.join(", ")}`,
      zh: `必须是以下之一：${paths.join("、")}`
    })
  }
  const given = new Map(yield* pairsOf(call, parameters))
  const signed = names[path].split(" ").map((name) => `${name}=${given.get(name) ?? ""}`)
  const text = [method, path, signed.join("&")].map(encoders.component).join("&")
  return Base64.encode(yield* hmac("SHA-1", `${key}&`, text))
})

/** What the `sig` of a Midas call is made of. */
export interface MidasOptions {
  /** The path of the signature. It is not the path of the request. */
  readonly path: MidasPath
  /** The body of the call. Only what Midas wants signed is signed. A parameter that is missing counts as empty. */
  readonly parameters: Parameters
  /** The AppKey of the offer, from Midas. It is not the AppSecret. */
  readonly app_key: Secret
}

/**
 * The `sig` of `MiniPay`, `MiniGetBalance` and `MiniPresent`, in base64.
 *
 * QQ does not document it. It is seen in the code of other clients, and this reproduces the samples of one. They encode
 * with `encodeURIComponent`, and other Midas clients encode `!'()*` too: write `app_remark`, `pay_item` and `bill_no`
 * without those.
 */
export const midas = /* @__PURE__ */ Effect.fnUntraced(function* ({
  app_key,
  ...rest
}: MidasOptions): Effect.fn.Return<string, QQError> {
  const key = yield* plain("signature.midas", "app_key", app_key)
  return yield* midasHmac("signature.midas", { ...rest, method: "GET", names: midasNames }, key)
})

/** What the `qq_sig` of a Midas call is made of. */
export interface MidasQQOptions {
  /** The path of the signature. It is not the path of the request. */
  readonly path: MidasPath
  /** The body of the call, with `access_token` and the `sig` of {@link midas}. */
  readonly parameters: Parameters
  /** The user's session key as QQ returned it, not decoded. */
  readonly session_key: Secret
}

/**
 * The `qq_sig` of `MiniPay`, `MiniGetBalance` and `MiniPresent`, in base64. It signs the `sig` of {@link midas} too.
 *
 * QQ does not document it. It is seen in the code of other clients, and this reproduces the samples of one.
 */
export const midasQQ = /* @__PURE__ */ Effect.fnUntraced(function* ({
  session_key,
  ...rest
}: MidasQQOptions): Effect.fn.Return<string, QQError> {
  const key = yield* plain("signature.midasQQ", "session_key", session_key)
  return yield* midasHmac("signature.midasQQ", { ...rest, method: "POST", names: midasQQNames }, key)
})
