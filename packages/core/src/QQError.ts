/**
 * The one public error of qq-mini, and its reasons.
 *
 * Calls fail only with {@link QQError}. Its `reason` says what happened, and can be caught by its name:
 * `Effect.catchReason("QQError", "NotSubscribed", () => Effect.void)`. The error and its reasons are Schemas, so they
 * can be encoded as JSON and decoded again.
 */
import * as Schema from "effect/Schema"
import { orUndefined, schemaOf } from "./internal/errorSchema.ts"
import * as answered from "./reason/answered.ts"
import * as client from "./reason/client.ts"
import * as error from "./reason/error.ts"

export type { Help, ReasonInfo } from "./internal/reason.ts"
export type { Answered } from "./reason/answered.ts"
export type { ErrorHelp } from "./reason/error.ts"
export {
  /** Whether a value is a `QQError`. Also true for an error from another copy of this package. */
  isQQError
} from "./reason/error.ts"

const Help = /* @__PURE__ */ Schema.Struct({ en: Schema.String, zh: Schema.String })

const Answered = {
  code: Schema.Finite,
  text: Schema.String,
  meaning: /* @__PURE__ */ Schema.optionalKey(Help)
}

/**
 * The AppSecret is wrong (`40001` at getToken). Not retried: for 60 seconds later calls fail at once with this reason.
 */
export const WrongSecret = /* @__PURE__ */ schemaOf(answered.WrongSecret, Answered)
export type WrongSecret = answered.WrongSecret

/** QQ does not know this appid (`40013`, `-101600007`). Not retried, like {@link WrongSecret}. */
export const InvalidAppId = /* @__PURE__ */ schemaOf(answered.InvalidAppId, Answered)
export type InvalidAppId = answered.InvalidAppId

/**
 * QQ refused the access token. If the token is the client's, the client has already renewed it and repeated the call
 * once. A token that the caller passed as `access_token` is not renewed.
 */
export const InvalidToken = /* @__PURE__ */ schemaOf(answered.InvalidToken, Answered)
export type InvalidToken = answered.InvalidToken

/** The login code is wrong, expired (after 5 minutes) or already used. The mini program must log in again. */
export const InvalidCode = /* @__PURE__ */ schemaOf(answered.InvalidCode, Answered)
export type InvalidCode = answered.InvalidCode

/** The page does not exist in the published program (`41030`). */
export const PageMissing = /* @__PURE__ */ schemaOf(answered.PageMissing, Answered)
export type PageMissing = answered.PageMissing

/** All 50 mini codes of the program are used up (`45029`). Not retried. */
export const MiniCodesUsedUp = /* @__PURE__ */ schemaOf(answered.MiniCodesUsedUp, Answered)
export type MiniCodesUsedUp = answered.MiniCodesUsedUp

/** The user did not subscribe to this template, or an earlier message used the subscription up. */
export const NotSubscribed = /* @__PURE__ */ schemaOf(answered.NotSubscribed, Answered)
export type NotSubscribed = answered.NotSubscribed

/** The user refuses these messages, or has withdrawn the permission. */
export const UserRefused = /* @__PURE__ */ schemaOf(answered.UserRefused, Answered)
export type UserRefused = answered.UserRefused

/** The call was made too often for one user or one action. QQ does not say how long to wait. */
export const TooFrequent = /* @__PURE__ */ schemaOf(answered.TooFrequent, {
  ...Answered,
  wait: Schema.optionalKey(Schema.Finite)
})
export type TooFrequent = answered.TooFrequent

/** QQ is busy (`-1`). */
export const SystemBusy = /* @__PURE__ */ schemaOf(answered.SystemBusy, Answered)
export type SystemBusy = answered.SystemBusy

/** QQ refused with a code that has no reason of its own. */
export const Rejected = /* @__PURE__ */ schemaOf(answered.Rejected, Answered)
export type Rejected = answered.Rejected

/** The call names an appid without a secret, and the program is not registered. Nothing was sent. */
export const UnknownApp = /* @__PURE__ */ schemaOf(client.UnknownApp, {
  appid: orUndefined(Schema.String),
  lookedIn: Schema.String
})
export type UnknownApp = client.UnknownApp

/** The function that looks up AppSecrets failed, and the program's secret is not remembered. Nothing was sent. */
export const LookupFailed = /* @__PURE__ */ schemaOf(client.LookupFailed, { problem: Schema.String })
export type LookupFailed = client.LookupFailed

/**
 * A quota is used up. With `code`, QQ said so, for this call or for one shortly before. With `wait`, the client's limiter
 * refused the call, and nothing was sent.
 */
export const QuotaReached = /* @__PURE__ */ schemaOf(client.QuotaReached, {
  code: Schema.optionalKey(Schema.Finite),
  text: Schema.optionalKey(Schema.String),
  wait: Schema.optionalKey(Schema.Finite),
  meaning: Schema.optionalKey(Help)
})
export type QuotaReached = client.QuotaReached

/**
 * A parameter is wrong. With `code`, QQ refused it. Without, the client refused it, and nothing was sent.
 *
 * `field` and `problem` are the first of `problems`. The message and `help` list all.
 */
export const InvalidInput = /* @__PURE__ */ schemaOf(client.InvalidInput, {
  field: Schema.String,
  problem: Help,
  problems: /* @__PURE__ */ Schema.Array(/* @__PURE__ */ Schema.Struct({ field: Schema.String, problem: Help })).pipe(
    // Older versions have only the first.
    Schema.optionalKey
  ),
  code: Schema.optionalKey(Schema.Finite),
  text: Schema.optionalKey(Schema.String)
})
export type InvalidInput = client.InvalidInput

/** A setting is missing or wrong. Nothing was sent. */
export const InvalidConfig = /* @__PURE__ */ schemaOf(client.InvalidConfig, { setting: Schema.String, problem: Help })
export type InvalidConfig = client.InvalidConfig

/** The data that a mini program sent is not accepted: see `problem`. It contains nothing of the data. */
export const UserDataInvalid = /* @__PURE__ */ schemaOf(client.UserDataInvalid, {
  problem: Schema.Literals(["format", "signature", "key", "tampered", "appid", "age", "kind"]),
  field: Schema.optionalKey(Schema.String)
})
export type UserDataInvalid = client.UserDataInvalid

/** The answer is neither a known success nor an error of QQ's. A check with such an answer never counts as passed. */
export const UnreadableAnswer = /* @__PURE__ */ schemaOf(client.UnreadableAnswer, {
  found: Schema.String,
  status: Schema.Finite,
  size: Schema.Finite,
  wait: Schema.optionalKey(Schema.Finite)
})
export type UnreadableAnswer = client.UnreadableAnswer

/** The connection failed, so there is no answer. */
export const ConnectionFailed = /* @__PURE__ */ schemaOf(client.ConnectionFailed, { problem: Schema.String })
export type ConnectionFailed = client.ConnectionFailed

/** The call timed out. If a send may have reached QQ, the reason is {@link OutcomeUnknown} instead. */
export const TimedOut = /* @__PURE__ */ schemaOf(client.TimedOut, {
  during: Schema.Literals(["media", "queue", "token", "answer"]),
  limit: Schema.Finite
})
export type TimedOut = client.TimedOut

/**
 * The program's tokens repeatedly become invalid before they expire, usually because another deployment fetches tokens
 * for the same appid. The client stops fetching for a while, because each fetch invalidates the other's token.
 */
export const TokenContested = /* @__PURE__ */ schemaOf(client.TokenContested, {
  deaths: Schema.Finite,
  fetchedAgo: Schema.Array(Schema.Finite),
  ownFetches: Schema.Finite,
  wait: Schema.Finite
})
export type TokenContested = client.TokenContested

/** The shared store failed: of tokens, while there was no usable one in memory, or of work in bulk. */
export const StoreFailed = /* @__PURE__ */ schemaOf(client.StoreFailed, {
  operation: Schema.String,
  problem: Schema.String
})
export type StoreFailed = client.StoreFailed

/** The client was closed before or during the call. */
export const ClientClosed = /* @__PURE__ */ schemaOf(client.ClientClosed, {})
export type ClientClosed = client.ClientClosed

const Certain = /* @__PURE__ */ Schema.Union([
  WrongSecret,
  InvalidAppId,
  InvalidToken,
  InvalidCode,
  PageMissing,
  MiniCodesUsedUp,
  NotSubscribed,
  UserRefused,
  TooFrequent,
  SystemBusy,
  Rejected,
  UnknownApp,
  LookupFailed,
  QuotaReached,
  InvalidInput,
  InvalidConfig,
  UserDataInvalid,
  UnreadableAnswer,
  ConnectionFailed,
  TimedOut,
  TokenContested,
  StoreFailed,
  ClientClosed
])

/**
 * It is unknown whether QQ executed the call: the request had left when the connection failed or the call timed out, or
 * the answer can't be read. The client never repeats such a call.
 */
export const OutcomeUnknown = /* @__PURE__ */ schemaOf(client.OutcomeUnknown, {
  because: Certain,
  meaning: Schema.optionalKey(Help)
})
export type OutcomeUnknown = client.OutcomeUnknown

/** The schema of all reasons of a {@link QQError}. */
export const Reason = /* @__PURE__ */ Schema.Union([Certain, OutcomeUnknown])

/** Any reason of a {@link QQError}. */
export type Reason = client.Reason

/**
 * The error of every call: the endpoint, the program and the reason. It never shows a secret, however it is printed.
 */
export const QQError = /* @__PURE__ */ schemaOf(error.QQError, {
  endpoint: Schema.String,
  app: orUndefined(Schema.String),
  reason: Reason,
  attempts: Schema.Finite,
  elapsed: Schema.Finite
})
export type QQError = error.QQError
