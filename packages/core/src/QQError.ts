/**
 * The one public error of qq-mini, and its reasons.
 *
 * Every call fails with {@link QQError} and nothing else. Its `reason` says what happened and can be caught by name:
 * `Effect.catchReason("QQError", "NotSubscribed", () => Effect.void)`. Error and reasons are Schemas: `Schema.encode` makes
 * JSON of them, `Schema.decode` brings them back.
 */
import * as Schema from "effect/Schema"
import { orUndefined, schemaOf } from "./internal/errorSchema.ts"
import * as answered from "./reason/answered.ts"
import * as client from "./reason/client.ts"
import * as error from "./reason/error.ts"

export type { Help, ReasonInfo } from "./internal/reason.ts"
export type { Answered } from "./reason/answered.ts"
export {
  /** Whether a value is a `QQError`, also one of another copy of this package. */
  isQQError
} from "./reason/error.ts"

const Help = /* @__PURE__ */ Schema.Struct({ en: Schema.String, zh: Schema.String })

const Answered = {
  code: Schema.Finite,
  text: Schema.String,
  meaning: /* @__PURE__ */ Schema.optionalKey(Help)
}

/** The AppSecret is wrong (`40001` at getToken). Final: further calls fail at once for a while. */
export const WrongSecret = /* @__PURE__ */ schemaOf(answered.WrongSecret, Answered)
export type WrongSecret = answered.WrongSecret

/** QQ does not know this appid (`40013`, `-101600007`). Final, like {@link WrongSecret}. */
export const InvalidAppId = /* @__PURE__ */ schemaOf(answered.InvalidAppId, Answered)
export type InvalidAppId = answered.InvalidAppId

/**
 * QQ refused the access token. The client renews its own token and repeats once before it says so; for a caller's own
 * `access_token` it says so at once.
 */
export const InvalidToken = /* @__PURE__ */ schemaOf(answered.InvalidToken, Answered)
export type InvalidToken = answered.InvalidToken

/** The login code is wrong, expired (5 minutes) or used already. Have the client log in again. */
export const InvalidCode = /* @__PURE__ */ schemaOf(answered.InvalidCode, Answered)
export type InvalidCode = answered.InvalidCode

/** The page does not exist in the published program (`41030`). */
export const PageMissing = /* @__PURE__ */ schemaOf(answered.PageMissing, Answered)
export type PageMissing = answered.PageMissing

/** All 50 mini codes of the program are used up (`45029`). Final. */
export const MiniCodesUsedUp = /* @__PURE__ */ schemaOf(answered.MiniCodesUsedUp, Answered)
export type MiniCodesUsedUp = answered.MiniCodesUsedUp

/** The user did not subscribe to this template, or the subscription was used up by an earlier message. */
export const NotSubscribed = /* @__PURE__ */ schemaOf(answered.NotSubscribed, Answered)
export type NotSubscribed = answered.NotSubscribed

/** The user refuses these messages, or closed the permission. */
export const UserRefused = /* @__PURE__ */ schemaOf(answered.UserRefused, Answered)
export type UserRefused = answered.UserRefused

/** This is too often for one user or one action; QQ names no time. */
export const TooFrequent = /* @__PURE__ */ schemaOf(answered.TooFrequent, Answered)
export type TooFrequent = answered.TooFrequent

/** QQ is busy (`-1`). */
export const SystemBusy = /* @__PURE__ */ schemaOf(answered.SystemBusy, Answered)
export type SystemBusy = answered.SystemBusy

/** QQ refused with a code that has no reason of its own. */
export const Rejected = /* @__PURE__ */ schemaOf(answered.Rejected, Answered)
export type Rejected = answered.Rejected

/** The appid was given without a secret, and is not among the registered programs. Nothing was sent. */
export const UnknownApp = /* @__PURE__ */ schemaOf(client.UnknownApp, {
  appid: orUndefined(Schema.String),
  lookedIn: Schema.String
})
export type UnknownApp = client.UnknownApp

/** A quota is used up: QQ said so (then `code` is set), or the client's own limiter before anything was sent. */
export const QuotaReached = /* @__PURE__ */ schemaOf(client.QuotaReached, {
  code: Schema.optionalKey(Schema.Finite),
  text: Schema.optionalKey(Schema.String),
  wait: Schema.optionalKey(Schema.Finite),
  meaning: Schema.optionalKey(Help)
})
export type QuotaReached = client.QuotaReached

/** A parameter is wrong. Without `code` the client saw it and sent nothing; with `code` QQ said so. */
export const InvalidInput = /* @__PURE__ */ schemaOf(client.InvalidInput, {
  field: Schema.String,
  problem: Help,
  code: Schema.optionalKey(Schema.Finite),
  text: Schema.optionalKey(Schema.String)
})
export type InvalidInput = client.InvalidInput

/** A setting is missing or wrong. Nothing was sent. */
export const InvalidConfig = /* @__PURE__ */ schemaOf(client.InvalidConfig, { setting: Schema.String, problem: Help })
export type InvalidConfig = client.InvalidConfig

/** The bytes that came back are neither a known success nor an error of QQ's. Never taken for a pass. */
export const UnreadableAnswer = /* @__PURE__ */ schemaOf(client.UnreadableAnswer, {
  found: Schema.String,
  status: Schema.Finite,
  size: Schema.Finite,
  wait: Schema.optionalKey(Schema.Finite)
})
export type UnreadableAnswer = client.UnreadableAnswer

/** No answer came because the connection failed. */
export const ConnectionFailed = /* @__PURE__ */ schemaOf(client.ConnectionFailed, { problem: Schema.String })
export type ConnectionFailed = client.ConnectionFailed

/** The time for the call ran out. A send that may have been on its way then is {@link OutcomeUnknown} instead. */
export const TimedOut = /* @__PURE__ */ schemaOf(client.TimedOut, {
  during: Schema.Literals(["queue", "token", "answer"]),
  limit: Schema.Finite
})
export type TimedOut = client.TimedOut

/**
 * The program's tokens die early again and again, as they do when somebody else fetches tokens for the same appid. No
 * more are fetched for a while, because each would only kill the other's.
 */
export const TokenContested = /* @__PURE__ */ schemaOf(client.TokenContested, {
  deaths: Schema.Finite,
  fetchedAgo: Schema.Array(Schema.Finite),
  ownFetches: Schema.Finite,
  wait: Schema.Finite
})
export type TokenContested = client.TokenContested

/** The shared store failed and there was no token in memory to go on with. */
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
  QuotaReached,
  InvalidInput,
  InvalidConfig,
  UnreadableAnswer,
  ConnectionFailed,
  TimedOut,
  TokenContested,
  StoreFailed,
  ClientClosed
])

/**
 * It can't be known whether QQ did it: the request was on its way when the connection or the time was lost, or the
 * answer can't be read. It is never repeated silently.
 */
export const OutcomeUnknown = /* @__PURE__ */ schemaOf(client.OutcomeUnknown, { because: Certain })
export type OutcomeUnknown = client.OutcomeUnknown

/** Any reason. */
export const Reason = /* @__PURE__ */ Schema.Union([Certain, OutcomeUnknown])

/** Any reason. */
export type Reason = client.Reason

/** The error of every call: which endpoint, for which program, and why. It shows no secret, however it is printed. */
export const QQError = /* @__PURE__ */ schemaOf(error.QQError, {
  endpoint: Schema.String,
  app: orUndefined(Schema.String),
  reason: Reason,
  attempts: Schema.Finite,
  elapsed: Schema.Finite
})
export type QQError = error.QQError
