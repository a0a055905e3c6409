import type * as Clock from "effect/Clock"
import type { Any } from "../endpoint/definition.ts"
import { millisOf } from "../internal/time.ts"
import type { Reason } from "../reason/client.ts"
import { QQError } from "../reason/error.ts"
import type { Token } from "../token/token.ts"
import type { Caller } from "./caller.ts"
import type { Wire } from "./encode.ts"
import type { Options } from "./options.ts"

/** The progress of a call, which its error reports beside the reason. */
export class Progress {
  readonly endpoint: Any
  readonly #clock: Clock.Clock
  /** The start of the call, in monotonic milliseconds. */
  readonly began: number
  /** The program, once it is known. */
  appid: string | undefined
  /** How many requests were sent. */
  attempts = 0

  constructor(endpoint: Any, clock: Clock.Clock) {
    this.endpoint = endpoint
    this.#clock = clock
    this.began = this.now
  }

  /** The current time, in monotonic milliseconds. */
  get now(): number {
    return millisOf(this.#clock)
  }

  /** The error of the call, if it fails now for this reason. */
  error(reason: Reason): QQError {
    const { appid, attempts, began, endpoint, now } = this
    return new QQError({ endpoint: endpoint.name, app: appid, reason, attempts, elapsed: now - began })
  }
}

const none: ReadonlyArray<Token> = []

/** A call whose input has been checked. */
export class Call {
  readonly endpoint: Any
  readonly progress: Progress
  readonly wire: Wire
  readonly caller: Caller
  readonly options: Options
  /** D3: the end of the whole call, in monotonic milliseconds. */
  readonly deadline: number
  /**
   * T4: how many renewals are left. The call may get one token from another caller, which may be dead, and one fetched.
   */
  renewals = 2
  /** T4: the tokens that QQ refused to the call, which is not repeated with any of them. */
  refused: ReadonlyArray<Token> = none

  constructor(progress: Progress, wire: Wire, caller: Caller, options: Options) {
    this.endpoint = progress.endpoint
    this.progress = progress
    this.wire = wire
    this.caller = caller
    this.options = options
    this.deadline = progress.began + options.deadline
  }

  /** Milliseconds until the deadline. */
  get millisLeft(): number {
    return Math.max(0, this.deadline - this.progress.now)
  }
}
