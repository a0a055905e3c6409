/** PURE. What the answer to one message means for its recipient, and for the whole broadcast. */
import type { QQError } from "../reason/error.ts"
import type { Reason } from "../reason/client.ts"
import { send } from "../SubscribeMessage.ts"

/**
 * - `refused`: this recipient certainly gets no message.
 * - `unknown`: it can't be known whether the message was sent.
 * - `later`: certainly nothing was sent. This recipient may be tried again after `wait` (ms).
 * - `trouble`: certainly nothing was sent, and now no other message would be sent either.
 * - `stop`: certainly nothing was sent, and no other message will be until somebody changes something.
 */
export type Outcome =
  | { readonly _tag: "refused"; readonly reason: string; readonly isOfMessage: boolean }
  | { readonly _tag: "unknown" }
  | { readonly _tag: "later" | "trouble"; readonly wait: number; readonly reason: string }
  | { readonly _tag: "stop" }

const codeOf = (reason: Reason): number | undefined => ("code" in reason ? reason.code : undefined)

/** The name of a reason in the counts: `NotSubscribed 43101`. */
export const nameOf = (reason: Reason): string => {
  const code = codeOf(reason)
  return code === undefined ? reason._tag : `${reason._tag} ${code}`
}

/** QQ's codes that concern one user: `41030`, `46002`. */
const isOfUser = (code: number | undefined): boolean =>
  send.codes?.some((one) => one.code === code && one.ofUser === true) === true

/** QQ's codes that concern every message: a wrong template or account (`40037`, `40015`, `46005`), a ban (`47001`). */
const stopping: ReadonlySet<number | undefined> = new Set([40037, 40015, 46005, 47001])

/** The meaning of an error of `subscribeMessage.send`. */
export const outcomeOf = ({ reason }: QQError): Outcome => {
  const code = codeOf(reason)
  const refused: Outcome = {
    _tag: "refused",
    reason: nameOf(reason),
    isOfMessage: reason._tag === "InvalidInput" || reason._tag === "Rejected"
  }
  switch (reason._tag) {
    case "OutcomeUnknown":
      return { _tag: "unknown" }
    case "WrongSecret":
    case "InvalidAppId":
    case "UnknownApp":
    case "InvalidConfig":
      return { _tag: "stop" }
    case "InvalidInput":
      // Without a code it is not QQ's. The message was checked before, so another setting is wrong, as the appid.
      return code === undefined || stopping.has(code) ? { _tag: "stop" } : refused
    case "Rejected":
      return stopping.has(code) ? { _tag: "stop" } : refused
    case "TooFrequent":
      return { _tag: isOfUser(code) ? "later" : "trouble", wait: reason.retryAfter, reason: nameOf(reason) }
    case "QuotaReached":
      return isOfUser(code) ? refused : { _tag: "trouble", wait: reason.retryAfter ?? 60_000, reason: nameOf(reason) }
    case "InvalidToken":
    case "SystemBusy":
    case "LookupFailed":
    case "UnreadableAnswer":
    case "ConnectionFailed":
    case "TimedOut":
    case "TokenContested":
    case "StoreFailed":
    case "ClientClosed":
      return { _tag: "trouble", wait: reason.retryAfter ?? 0, reason: nameOf(reason) }
    default:
      return refused
  }
}
