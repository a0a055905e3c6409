/** The plan of one run: who holds tokens, who calls when, and what goes wrong. */

/** All that is asked over the network. */
export type Server = "store" | "QQ"

export interface HolderPlan {
  readonly name: string
  readonly runs: "process" | "invocation" | "request"
  /** Whether a Worker hands its fetches over to `waitUntil`. */
  readonly waitUntil: boolean
  /** Milliseconds that its clocks are ahead. */
  readonly wall: number
  readonly monotonic: number
  readonly secret: "right" | "wrong"
  readonly maxInFlight: number
  readonly attemptTimeout: number
}

/**
 * `check`: may be repeated. `counted`: the same under a quota. `send`: must not be repeated. `refresh`: asks for a new
 * token. `ahead`: as an alarm does that keeps a token fresh.
 */
export type CallKind = "check" | "counted" | "send" | "refresh" | "ahead"

export interface CallPlan {
  readonly id: string
  readonly at: number
  readonly holder: string
  readonly kind: CallKind
  /** The caller is interrupted after so many milliseconds. */
  readonly stopAfter?: number | undefined
}

/** What the network does to messages. */
export type Mishap = "unsent" | "lost requests" | "lost answers" | "late requests" | "late answers" | "doubled requests"

export type FaultPlan = { readonly at: number } & (
  | { readonly kind: "crash"; readonly holder: string; readonly backAfter: number }
  | { readonly kind: "freeze"; readonly holder: string; readonly during: number }
  | { readonly kind: "jump"; readonly holder: string; readonly by: number }
  | { readonly kind: "forget"; readonly holder: string }
  | {
      readonly kind: "weather"
      /** Every holder, when absent. */
      readonly holder?: string | undefined
      readonly server: Server
      readonly mishap: Mishap
      readonly during: number
      readonly share: number
      /** Milliseconds that late or doubled messages take longer. */
      readonly by: number
    }
  | { readonly kind: "away"; readonly server: Server; readonly during: number; readonly how: "refused" | "silent" }
  | { readonly kind: "read-only"; readonly during: number }
  | { readonly kind: "flush" }
  | { readonly kind: "busy"; readonly during: number }
  | {
      readonly kind: "spoiled"
      readonly during: number
      readonly answer: "html502" | "empty" | "truncated" | "resetAfter"
    }
  | { readonly kind: "refuse"; readonly times: number }
  | { readonly kind: "revoke" }
  | { readonly kind: "thief"; readonly every: number; readonly times: number }
)

export type FaultKind = FaultPlan["kind"]

export interface Plan {
  readonly seed: number
  /** Whether the turns of a process run in their order. */
  readonly inOrder: boolean
  readonly holders: ReadonlyArray<HolderPlan>
  readonly calls: ReadonlyArray<CallPlan>
  readonly faults: ReadonlyArray<FaultPlan>
  /** How far the store's clock is ahead, in milliseconds, and whether it tells of changes. */
  readonly storeClock: number
  readonly storeWatches: boolean
  /** Seconds that a token lives, and that it lives on after another was fetched. */
  readonly lifetime: number
  readonly grace: number
  /** How many counted calls QQ takes in a minute. */
  readonly limit: number
}
