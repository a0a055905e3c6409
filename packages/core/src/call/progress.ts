import type * as Clock from "effect/Clock"
import type { Any } from "../endpoint/definition.ts"
import { millisOf } from "../internal/time.ts"
import type { Reason } from "../reason/client.ts"
import { QQError } from "../reason/error.ts"
import type { Caller } from "./caller.ts"
import type { Wire } from "./encode.ts"
import type { Options } from "./options.ts"

/** How far a call came: what its error says beside the reason. */
export class Progress {
  readonly endpoint: Any
  readonly #clock: Clock.Clock
  /** When it began, in monotonic milliseconds. */
  readonly began: number
  /** The program, as soon as it is known. */
  appid: string | undefined
  /** Requests that were sent for it. */
  attempts = 0

  constructor(endpoint: Any, clock: Clock.Clock) {
    this.endpoint = endpoint
    this.#clock = clock
    this.began = this.now
  }

  get now(): number {
    return millisOf(this.#clock)
  }

  /** The error of the call, if this is why it fails now. */
  error(reason: Reason): QQError {
    const { appid, attempts, began, endpoint, now } = this
    return new QQError({ endpoint: endpoint.endpoint, app: appid, reason, attempts, elapsed: now - began })
  }
}

/** A call that is checked and may be sent. */
export class Call {
  readonly endpoint: Any
  readonly progress: Progress
  readonly wire: Wire
  readonly caller: Caller
  readonly options: Options
  /** D3: when all of it must be over, in monotonic milliseconds. */
  readonly deadline: number
  /** T4: tokens that it may still ask for: one that is fetched, and before that perhaps one that is found and dead. */
  renewals = 2

  constructor(progress: Progress, wire: Wire, caller: Caller, options: Options) {
    this.endpoint = progress.endpoint
    this.progress = progress
    this.wire = wire
    this.caller = caller
    this.options = options
    this.deadline = progress.began + options.deadline
  }

  /** Milliseconds that it still has. */
  get left(): number {
    return Math.max(0, this.deadline - this.progress.now)
  }
}
