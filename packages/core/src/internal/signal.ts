/** The signals that abort calls. */
import { hasProperty } from "effect/Predicate"
import type { Help } from "./reason.ts"

/** Whether a value can be the signal of a call. As for `fetch`, `null` is none. */
export const isSignal = (u: unknown): u is AbortSignal | null | undefined =>
  u === undefined || u === null || (hasProperty(u, "aborted") && hasProperty(u, "addEventListener"))

/** The problem of a value that is none. */
export const notASignal: Help = {
  en: "must be an AbortSignal, as controller.signal",
  zh: "必须是 AbortSignal，如 controller.signal"
}
