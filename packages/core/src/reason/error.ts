import { hasProperty } from "effect/Predicate"
import type { Reason } from "./client.ts"
import { errorClass, type Help } from "../internal/reason.ts"

const TypeId = "~@qq-mini/core/QQError"

/** The help of an error: what happened and what to do, and the page that says more. */
export interface ErrorHelp extends Help {
  /** The address of the reason in the documentation. */
  readonly url: string
}

/**
 * The error of every call: the endpoint, the program and the reason. It never shows a secret, however it is printed.
 */
export class QQError
  extends /* @__PURE__ */ errorClass("QQError")<{
    /** The name of the call, such as `security.msgSecCheck`. */
    readonly endpoint: string
    /** The appid of the call's program, if it was known. */
    readonly app: string | undefined
    /** Why the call failed. */
    readonly reason: Reason
    /** How many requests were sent for the call. Token fetches are not counted, because all callers share them. */
    readonly attempts: number
    /** Milliseconds from the start of the call to its failure. */
    readonly elapsed: number
  }>
{
  // Node prints an error that nobody caught with the name of its class, which is shortened in a bundle.
  static override get name(): string {
    return "QQError"
  }
  constructor(fields: {
    readonly endpoint: string
    readonly app: string | undefined
    readonly reason: Reason
    readonly attempts?: number
    readonly elapsed?: number
  }) {
    super({ attempts: 0, elapsed: 0, ...fields })
  }
  get [TypeId](): typeof TypeId {
    return TypeId
  }
  /** QQ's error code, if QQ answered with one. */
  get code(): number | undefined {
    return "code" in this.reason ? this.reason.code : undefined
  }
  /** Whether the same call may succeed later. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  /** Milliseconds to wait before the next try, if known. */
  get retryAfter(): number | undefined {
    return this.reason.retryAfter
  }
  /** What happened and what to do next, in English and Chinese, and the address of the page on the reason. */
  get help(): ErrorHelp {
    const { _tag, help } = this.reason
    return { ...help, url: `https://qq-mini.github.io/qq-mini/errors.html#${_tag.toLowerCase()}` }
  }
  override get message(): string {
    const app = this.app === undefined ? "" : ` (app ${this.app})`
    return `${this.endpoint}${app}: ${this.reason._tag}: ${this.reason.message}\n${this.reason.help.zh}`
  }
  override toJSON() {
    const { _tag, app, attempts, code, elapsed, endpoint, help, isRetryable, message, reason, retryAfter } = this
    return { _tag, endpoint, app, message, code, attempts, elapsed, isRetryable, retryAfter, help, reason }
  }
}

/** Whether a value is a {@link QQError}. Also true for an error from another copy of this package. */
export const isQQError = (u: unknown): u is QQError => hasProperty(u, TypeId)
