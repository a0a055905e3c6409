/**
 * Behaviour of QQ that can be changed, mostly because QQ does not document it. The defaults are the likeliest values.
 */
export interface Switches {
  /** How long a token is valid, in seconds. By default 7200. */
  readonly tokenLifetime: number
  /** How long the old token stays valid after a new one was fetched, in seconds. By default 300, as QQ's page says. */
  readonly oldTokenGrace: number
  /** Whether the answer of getToken has `errcode: 0`. By default `true`, as captured; QQ's page does not show it. */
  readonly tokenErrcode: boolean
  /** The code for an invalid token. By default `documented`: 40014 for subscription messages, -3000 for payments, else 40001. */
  readonly badTokenCode: number | "documented"
  /**
   * The codes of a login for an unknown appid, a wrong AppSecret and an invalid code. By default -101600007, -101222100
   * and 40029.
   */
  readonly loginCodes: { readonly appid: number; readonly appsecret: number; readonly code: number }
  /** The code for a user who did not subscribe. By default 46001; vk's table has 43101. */
  readonly notSubscribedCode: number
  /**
   * The shortest time between two messages to one user, in seconds. Sooner messages get 41030. By default 0: no limit.
   */
  readonly sameUserSeconds: number
  /** How long a form_id is valid, in seconds. By default 604800, which is 7 days. */
  readonly formIdLifetime: number
  /**
   * The code for a wrong signature of the login state, at the calls of `openData` and `encryption`. By default 87009,
   * which WeChat has; QQ documents none.
   */
  readonly signatureCode: number
  /**
   * What a second `prePay` with the same `bill_no` and the same order gets: `answered` is the first `prepayId` again,
   * `refused` is 90012. By default `answered`. Another order with the `bill_no` always gets 90012.
   */
  readonly repeatedPrepay: "answered" | "refused"
  /** The code if the program's quota is full. By default 45009. */
  readonly quotaCode: number
  /** The code for an image with a wrong type or too many pixels. By default 40035. */
  readonly badImageCode: number
  /** Whether an image may have 1334 × 750 pixels as well as 750 × 1334. By default `true`. */
  readonly imageEitherWayRound: boolean
  /**
   * The day for the limit of one message: `calendar` is a day in China, `rolling` is 24 hours. By default `calendar`.
   */
  readonly messageDay: "calendar" | "rolling"
  /** Whether users have a unionid. By default `true`. */
  readonly unionid: boolean
  /**
   * Whether the integers of payments, their notifications and encryption keys are numbers or strings of digits. By
   * default `numbers`.
   */
  readonly integers: "numbers" | "strings"
  /** Whether integers that are 0 are in the answers of payments and encryption keys. By default `sent`. */
  readonly zeros: "sent" | "leftOut"
  /** The HTTP status of QQ's errors. By default 200. */
  readonly errorStatus: number
  /** The Content-Type of JSON answers. By default `application/json; charset=utf-8`. */
  readonly jsonType: string
}

/** The default values of all switches. */
export const defaultSwitches: Switches = {
  tokenLifetime: 7_200,
  oldTokenGrace: 300,
  tokenErrcode: true,
  badTokenCode: "documented",
  loginCodes: { appid: -101600007, appsecret: -101222100, code: 40029 },
  notSubscribedCode: 46001,
  sameUserSeconds: 0,
  formIdLifetime: 604_800,
  signatureCode: 87009,
  repeatedPrepay: "answered",
  quotaCode: 45009,
  badImageCode: 40035,
  imageEitherWayRound: true,
  messageDay: "calendar",
  unionid: true,
  integers: "numbers",
  zeros: "sent",
  errorStatus: 200,
  jsonType: "application/json; charset=utf-8"
}
