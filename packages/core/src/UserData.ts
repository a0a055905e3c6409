/**
 * The open data that a mini program gets from QQ and sends to your server: user info, phone number, share info.
 *
 * A user can send anything, so check it here. `signature` proves that `rawData` is QQ's. The watermark of decrypted data
 * names the program that it is for. But QQ encrypts with AES-CBC, which does not prove that data is unchanged: by
 * changing `iv`, a user can change the first 16 bytes of their decrypted data, and with many tries more. So identify
 * users by the `openid` of `auth.code2Session`, not by the one in here.
 *
 * The session key must be the one of the login that was valid when the mini program got the data. Each `qq.login` makes
 * a new one.
 *
 * What the user sent fails with `UserDataInvalid`; a wrong `session_key`, `appid` or `maxAge` fails with `InvalidInput`.
 * Neither shows any of the data or the key. A wrong padding and a wrong text are one problem, because a server that
 * tells them apart helps to decrypt and forge data. Reading the text still takes a few microseconds longer.
 *
 * Like `Signature`, this runs on the `WebCrypto` of `effect/crypto`. Source: QQ's document on open data, for the
 * algorithms and the watermark. The fields are those of QQ's samples and of other clients.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import { isObject } from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type AppId, isAppId } from "./App.ts"
import { millisOf, notATime } from "./call/options.ts"
import { parse, textOf } from "./call/strictJson.ts"
import { sameSecret } from "./internal/secrets.ts"
import { invalid, plain, type Secret } from "./internal/signing.ts"
import { decryptCbc } from "./internal/webCrypto.ts"
import { QQError } from "./reason/error.ts"
import { UserDataInvalid, type UserDataProblem } from "./reason/input.ts"
import * as Signature from "./Signature.ts"

/** Signed data, as `qq.getUserInfo` returns it. */
export interface Signed {
  /** The text exactly as the mini program got it. */
  readonly rawData: string
  /** QQ's signature of `rawData`. */
  readonly signature: string
  /** The user's session key, from `auth.code2Session` with `needKey: true`. */
  readonly session_key: Secret
}

/** Encrypted data, as `qq.getUserInfo`, `qq.getShareInfo` and others return it. */
export interface Encrypted {
  /** The data in base64. Blanks in place of `+`, and percent-encoding, are repaired: forms make them. */
  readonly encryptedData: string
  /** 16 bytes in base64. Repaired too. */
  readonly iv: string
  /** The user's session key, from `auth.code2Session` with `needKey: true`. */
  readonly session_key: Secret
  /** The id of your program. Data of another program is refused. */
  readonly appid: AppId
  /** The largest age of the data, by its watermark. A number is milliseconds. By default any age is accepted. */
  readonly maxAge?: Duration.Input | undefined
  /** Signed data that came with it, to be checked first. Then the error tells changed data from a wrong key. */
  readonly rawData?: string | null | undefined
  /** QQ's signature of `rawData`. Required with it. */
  readonly signature?: string | null | undefined
}

/** The mark of QQ in encrypted data. */
export interface Watermark {
  /** The program that the data is for. */
  readonly appid: AppId
  /** When QQ encrypted the data, in seconds since 1970. */
  readonly timestamp?: number
}

/** Data of the mini program, with all fields that QQ sent. Those that are `null` are left out. */
export interface Fields {
  readonly [field: string]: unknown
}

/** Decrypted data of any kind. */
export interface Data extends Fields {
  readonly watermark: Watermark
}

/** What a user shows to others. */
export interface Profile extends Fields {
  readonly nickName?: string
  readonly avatarUrl?: string
  /** 1 is male, 2 female, 0 not known. */
  readonly gender?: number
  readonly language?: string
  readonly city?: string
  readonly province?: string
  readonly country?: string
}

/** The data of `qq.getUserInfo`. */
export interface UserInfo extends Profile, Data {
  /** The user's id within this program. */
  readonly openId: string
  /** The user's id across all programs of one developer, if QQ returns it. */
  readonly unionId?: string
}

/** The data of a button with `open-type="getPhoneNumber"`. */
export interface PhoneNumber extends Data {
  /** The number, with the country code if it is a foreign one. */
  readonly phoneNumber: string
  /** The number without the country code. */
  readonly purePhoneNumber?: string
  readonly countryCode?: string
}

/** The data of `qq.getShareInfo`. */
export interface ShareInfo extends Data {
  /** The id of the group within this program. */
  readonly openGId: string
}

const text = /* @__PURE__ */ Schema.optionalKey(Schema.String)
const profile = {
  nickName: text,
  avatarUrl: text,
  gender: /* @__PURE__ */ Schema.optionalKey(Schema.Finite),
  language: text,
  city: text,
  province: text,
  country: text
}
const isProfile = /* @__PURE__ */ Schema.is(/* @__PURE__ */ Schema.Struct(profile))
const isUserInfo = /* @__PURE__ */ Schema.is(
  /* @__PURE__ */ Schema.Struct({ ...profile, openId: Schema.String, unionId: text })
)
const isPhoneNumber = /* @__PURE__ */ Schema.is(
  /* @__PURE__ */ Schema.Struct({ phoneNumber: Schema.String, purePhoneNumber: text, countryCode: text })
)
const isShareInfo = /* @__PURE__ */ Schema.is(/* @__PURE__ */ Schema.Struct({ openGId: Schema.String }))

const refused = (call: string, app: AppId | undefined, problem: UserDataProblem, field?: string): QQError =>
  new QQError({
    endpoint: call,
    app,
    reason: new UserDataInvalid(field === undefined ? { problem } : { problem, field })
  })

/** The bytes of a base64 text, also of one that a form changed. `undefined` if it is none. */
const bytesOf = (base64: unknown): Uint8Array | undefined =>
  typeof base64 === "string"
    ? Result.getOrUndefined(
        Base64.decode(
          base64
            .replace(/%(?:25)*(2b|2f|3d|20|0d|0a)/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
            .replace(/ /g, "+")
        )
      )
    : undefined

/** The object of a JSON text. `undefined` if it is none. */
const fieldsOf = (json: string | undefined): Fields | undefined => {
  const value = json === undefined ? undefined : parse(json)
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null)) : undefined
}

const checkSignature = /* @__PURE__ */ Effect.fnUntraced(function* (
  call: string,
  app: AppId | undefined,
  { rawData, session_key, signature }: { readonly [K in keyof Signed]: Signed[K] | null | undefined }
): Effect.fn.Return<void, QQError> {
  const key = yield* plain(call, "session_key", session_key as Secret)
  if (typeof rawData !== "string") return yield* refused(call, app, "format", "rawData")
  if (typeof signature !== "string") return yield* refused(call, app, "format", "signature")
  const expected = yield* Signature.userData(rawData, key)
  // S2
  if (!sameSecret(expected, signature)) return yield* refused(call, app, "signature")
})

/**
 * Checks `signature`, and returns what `rawData` contains. Fails with `signature` if it is wrong.
 *
 * It does not tell when the user's data was signed, nor which user it is.
 */
export const verify = /* @__PURE__ */ Effect.fnUntraced(function* (signed: Signed): Effect.fn.Return<Profile, QQError> {
  yield* checkSignature("userData.verify", undefined, signed)
  const fields = fieldsOf(signed.rawData)
  return isProfile(fields) ? fields : yield* refused("userData.verify", undefined, "format", "rawData")
})

const decryptAs = /* @__PURE__ */ Effect.fnUntraced(function* <A extends Fields>(
  call: string,
  isKind: (fields: Fields) => fields is A,
  { appid, encryptedData, iv, maxAge, rawData, session_key, signature }: Encrypted
): Effect.fn.Return<A & Data, QQError> {
  if (!isAppId(appid)) {
    return yield* invalid(call, "appid", { en: "must be the id of your program", zh: "必须是小程序的 appid" })
  }
  const oldest = maxAge === undefined ? Infinity : millisOf(maxAge)
  if (!(oldest > 0)) return yield* invalid(call, "maxAge", notATime)
  const key = bytesOf(yield* plain(call, "session_key", session_key))
  if (key?.length !== 16) {
    return yield* invalid(call, "session_key", {
      en: "must be QQ's session_key as it is: 16 bytes in base64",
      zh: "必须是 QQ 返回的 session_key 原文：base64 格式的 16 字节"
    })
  }
  const isSigned = (rawData ?? signature ?? undefined) !== undefined
  if (isSigned) yield* checkSignature(call, appid, { rawData, session_key, signature })
  const sealed = bytesOf(encryptedData)
  if (sealed === undefined || sealed.length === 0 || sealed.length % 16 !== 0) {
    return yield* refused(call, appid, "format", "encryptedData")
  }
  const nonce = bytesOf(iv)
  if (nonce?.length !== 16) return yield* refused(call, appid, "format", "iv")
  const plaintext = yield* decryptCbc(key, nonce, sealed)
  const fields = fieldsOf(plaintext && textOf(plaintext))
  if (fields === undefined) return yield* refused(call, appid, isSigned ? "tampered" : "key")
  const { watermark } = fields
  if (!isObject(watermark) || !("appid" in watermark) || String(watermark.appid) !== appid) {
    return yield* refused(call, appid, "appid")
  }
  const seconds = Number("timestamp" in watermark ? watermark.timestamp : NaN)
  const age = (yield* Clock.currentTimeMillis) - seconds * 1_000
  if (oldest < Infinity && !(age <= oldest)) return yield* refused(call, appid, "age")
  if (!isKind(fields)) return yield* refused(call, appid, "kind")
  return { ...fields, watermark: { ...watermark, appid, ...(Number.isFinite(seconds) ? { timestamp: seconds } : {}) } }
})

const isAny = (fields: Fields): fields is Fields => isObject(fields)

/**
 * Decrypts data of any kind, such as that of `qq.getQQRunData`, and checks which program it is for.
 *
 * Fails with `format` if a text is not what QQ returns, `signature` if `rawData` is given and its signature is wrong,
 * `key` if it can't be decrypted, or `tampered` if a right signature proves the key, `appid` if it is of another
 * program, and `age` if it is older than `maxAge`.
 */
export const decrypt = (encrypted: Encrypted): Effect.Effect<Data, QQError> =>
  decryptAs("userData.decrypt", isAny, encrypted)

/** Decrypts the data of `qq.getUserInfo`. Fails as {@link decrypt}, and with `kind` if it has no `openId`. */
export const userInfo = (encrypted: Encrypted): Effect.Effect<UserInfo, QQError> =>
  decryptAs("userData.userInfo", isUserInfo, encrypted)

/**
 * Decrypts the data of a button with `open-type="getPhoneNumber"`. Fails as {@link decrypt}, and with `kind` if it has
 * no `phoneNumber`. QQ's document does not list its fields. These are the ones that other clients read.
 */
export const phoneNumber = (encrypted: Encrypted): Effect.Effect<PhoneNumber, QQError> =>
  decryptAs("userData.phoneNumber", isPhoneNumber, encrypted)

/** Decrypts the data of `qq.getShareInfo`. Fails as {@link decrypt}, and with `kind` if it has no `openGId`. */
export const shareInfo = (encrypted: Encrypted): Effect.Effect<ShareInfo, QQError> =>
  decryptAs("userData.shareInfo", isShareInfo, encrypted)
