import { hasProperty } from "effect/Predicate"
import type { Reason } from "./client.ts"
import { errorClass, type Help } from "../internal/reason.ts"

const TypeId = "~@qq-mini/core/QQError"

/** The error of every call: which endpoint, for which program, and why. It shows no secret, however it is printed. */
export class QQError
  extends /* @__PURE__ */ errorClass("QQError")<{
    /** The call, as `security.msgSecCheck`. */
    readonly endpoint: string
    /** The appid of the program the call was for, when it was known. */
    readonly app: string | undefined
    readonly reason: Reason
    /** Requests that were sent for the call. The fetch of a token is not counted: it is made for all callers. */
    readonly attempts: number
    /** Milliseconds from the beginning of the call to its failure. */
    readonly elapsed: number
  }>
{
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
  /** QQ's number, where its answer had one. */
  get code(): number | undefined {
    return "code" in this.reason ? this.reason.code : undefined
  }
  /** Whether the same call, made again later, can have another outcome. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  /** Milliseconds after which to try again, where that is known. */
  get retryAfter(): number | undefined {
    return this.reason.retryAfter
  }
  /** What happened and what to do next, in English and Chinese. */
  get help(): Help {
    return this.reason.help
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

/** Whether a value is a {@link QQError}, also one of another copy of this package. */
export const isQQError = (u: unknown): u is QQError => hasProperty(u, TypeId)
