/**
 * What may be repeated, when, how often and until when.
 *
 * Reads and checks may be repeated. A send may not, unless it is certain that nothing was sent; when that can't be known
 * the caller gets {@link OutcomeUnknown}. Pauses have full jitter, honour QQ's `Retry-After`, and end with the deadline.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import { monotonicMillis } from "./internal/time.ts"
import { OutcomeUnknown, type Reason } from "./QQError.ts"

/**
 * - `repeatable`: a read or a check; doing it twice changes nothing.
 * - `once`: doing it twice is visible to people (a message) or spends something (a mini code).
 * - `singleUse`: may be repeated, but when an earlier attempt got lost, "used already" may mean that one.
 */
export type Delivery = "repeatable" | "once" | "singleUse"

/** One failed attempt: why, and how far it came. */
export interface Failure {
  readonly reason: Reason
  /**
   * - `unsent`: the connection was never made, so nothing happened.
   * - `lost`: it was on its way, and what came of it is not known.
   * - `answered`: QQ said no, or the client refused to send.
   */
  readonly phase: "unsent" | "lost" | "answered"
  /** Whether it was repeated already as often as it may be. */
  readonly exhausted?: boolean
}

/** How often and how slowly to repeat. */
export interface Policy {
  /** Attempts in all, the first one included. 1 switches repeating off. */
  readonly attempts: number
  /** The longest first pause in milliseconds; it doubles with each attempt. */
  readonly base: number
  /** The longest pause in milliseconds. */
  readonly cap: number
}

/** 3 attempts, with pauses of up to 200 ms, then 400 ms, and never above 5 s. */
export const defaultPolicy: Policy = { attempts: 3, base: 200, cap: 5_000 }

const mayRepeat = (delivery: Delivery, failure: Failure): boolean => {
  if (failure.exhausted) return false
  if (failure.phase === "unsent") return true
  if (failure.phase === "lost") return delivery !== "once"
  return delivery !== "once" && failure.reason._tag === "SystemBusy"
}

/** The reason a caller sees for a failure after which nothing is tried any more. */
const final = (delivery: Delivery, { phase, reason }: Failure, lostBefore: boolean): Reason =>
  delivery === "repeatable" || !(phase === "lost" || lostBefore) || reason._tag === "OutcomeUnknown"
    ? reason
    : new OutcomeUnknown({ because: reason })

/** Runs an attempt until it succeeds, fails for good, or the deadline (in {@link monotonicMillis}) is near. */
export const run = Effect.fnUntraced(function* <A>(
  attempt: Effect.Effect<A, Failure>,
  options: { readonly delivery: Delivery; readonly deadline: number; readonly policy: Policy }
): Effect.fn.Return<A, Reason> {
  const { attempts, base, cap } = options.policy
  let lostBefore = false
  for (let n = 1; ; n++) {
    const result = yield* Effect.result(attempt)
    if (result._tag === "Success") return result.success
    const failure = result.failure
    const give = () => final(options.delivery, failure, lostBefore)
    if (n >= attempts || !mayRepeat(options.delivery, failure)) return yield* give()
    lostBefore ||= failure.phase === "lost"
    const jitter = (yield* Random.next) * Math.min(cap, base * 2 ** (n - 1))
    const pause = Math.max(failure.reason._tag === "UnreadableAnswer" ? (failure.reason.wait ?? 0) : 0, jitter)
    if ((yield* monotonicMillis) + pause >= options.deadline) return yield* give()
    yield* Effect.logDebug(`attempt ${n} failed (${failure.reason._tag}), next in ${Math.ceil(pause)} ms`)
    yield* Effect.sleep(pause)
  }
})

/** Names by which undici, Node, urllib, Deno and Bun say that a connection was never made. */
const unsentNames = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectTimeoutError",
  "ConnectionTimeoutError",
  "ConnectionRefused",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "ERR_TLS_CERT_ALTNAME_INVALID"
])

// Some systems tell of a broken connection what others tell of one that was never made; the system call knows better.
const connecting = /^(connect|getaddrinfo|query)/

const causes = (error: any): ReadonlyArray<any> =>
  Array.isArray(error.errors) && error.errors.length > 0 ? error.errors.slice(0, 16) : [error.cause]

const isUnsent = (error: any, depth = 0): boolean => {
  if (typeof error !== "object" || error === null || depth > 4) return false
  if (typeof error.syscall === "string") return connecting.test(error.syscall)
  if (unsentNames.has(error.code) || unsentNames.has(error.name)) return true
  return causes(error).every((cause) => isUnsent(cause, depth + 1))
}

const nameOf = (error: any, depth = 0): string | undefined => {
  if (typeof error !== "object" || error === null || depth > 4) return undefined
  const name = [error.code, error.name].find(
    (name) => typeof name === "string" && (unsentNames.has(name) || /^[A-Z][A-Z0-9_]{2,40}$/.test(name))
  )
  return name ?? nameOf(causes(error)[0], depth + 1)
}

/** How far a request came, told from the error a transport gave and its causes; and that error's name. */
export const phaseOf = (error: unknown): { readonly phase: "unsent" | "lost"; readonly problem: string } =>
  // whatever the error is made of: one that can't be looked at tells nothing
  Result.getOrElse(
    Result.try(() => ({
      phase: isUnsent(error) ? ("unsent" as const) : ("lost" as const),
      problem: nameOf(error) ?? "the connection was lost"
    })),
    () => ({ phase: "lost" as const, problem: "the connection was lost" })
  )
