/** PURE. What the failure of a check means for its content, and for the whole backfill. */
import type { Reason } from "../reason/client.ts"

/**
 * - `failed`: another try would fail too.
 * - `again`: another try may succeed.
 * - `later`: it says nothing about this content. There is no place for it in QQ's quota now.
 * - `stop`: no check will succeed until somebody changes something.
 */
export type Outcome = "failed" | "again" | "later" | "stop"

/** The meaning of a reason. */
export const outcomeOf = ({ _tag, isRetryable }: Reason): Outcome => {
  switch (_tag) {
    case "WrongSecret":
    case "InvalidAppId":
    case "UnknownApp":
    case "InvalidConfig":
    case "ClientClosed":
      return "stop"
    case "QuotaReached":
    case "TooFrequent":
      return "later"
    default:
      return isRetryable ? "again" : "failed"
  }
}
