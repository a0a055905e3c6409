/** What QQ does not document, each with the likeliest behaviour as default. */
export interface Switches {
  /** Seconds a token lives. 7200. */
  readonly tokenLifetime: number
  /** Seconds the old token is good after a new one was fetched. 300, as QQ's page says. */
  readonly oldTokenGrace: number
  /** Whether getToken writes `errcode: 0` beside the token. `true`, as captured; QQ's page has none. */
  readonly tokenErrcode: boolean
  /** The code for a bad token. 40001, and 40014 at subscription messages. */
  readonly badTokenCode: number | "documented"
  /** The codes of a login for an appid QQ does not know, a wrong secret and a bad code. -101600007, -101222100, 40029. */
  readonly loginCodes: { readonly appid: number; readonly appsecret: number; readonly code: number }
  /** The code for a user who did not subscribe. 46001; vk's table has 43101. */
  readonly notSubscribedCode: number
  /** Seconds between two messages to one user, below which the answer is 41030. 0: never. */
  readonly sameUserSeconds: number
  /** The code for a full quota of the program. 45009. */
  readonly quotaCode: number
  /** The code for an image of the wrong type or size in pixels. 40035. */
  readonly badImageCode: number
  /** Whether an image may be 1334 × 750 as well as 750 × 1334. `true`. */
  readonly imageEitherWayRound: boolean
  /** Whether a day, for the one message a day, is the calendar's in China or 24 hours. `calendar`. */
  readonly messageDay: "calendar" | "rolling"
  /** Whether users have a unionid. `true`. */
  readonly unionid: boolean
  /** The HTTP status of QQ's errors. 200. */
  readonly errorStatus: number
  /** The Content-Type of JSON. */
  readonly jsonType: string
}

/** The switches as they stand when nothing is said. */
export const defaultSwitches: Switches = {
  tokenLifetime: 7_200,
  oldTokenGrace: 300,
  tokenErrcode: true,
  badTokenCode: "documented",
  loginCodes: { appid: -101600007, appsecret: -101222100, code: 40029 },
  notSubscribedCode: 46001,
  sameUserSeconds: 0,
  quotaCode: 45009,
  badImageCode: 40035,
  imageEitherWayRound: true,
  messageDay: "calendar",
  unionid: true,
  errorStatus: 200,
  jsonType: "application/json; charset=utf-8"
}
