/** The plan of one run: who works on the broadcast, what QQ answers, what the operator does, and what goes wrong. */
import type { FaultPlan as AnyFault } from "../../simulation/plan.ts"

/** One process that works on the broadcast. */
export interface WorkerPlan {
  readonly name: string
  readonly at: number
  /** Where it reads the recipients: from the first, after those that are loaded, or not at all. */
  readonly reads: "all" | "rest" | "none"
  readonly runs: "run" | "step"
  /** The budget of a step, and the pause between two (ms). */
  readonly budget: number
  readonly every: number
  readonly concurrency: number
  /** Milliseconds that its clocks are ahead. */
  readonly wall: number
  readonly monotonic: number
}

/** What QQ answers to the messages of a recipient. `later`: at first that they follow each other too fast. */
export type RecipientAnswer = "sent" | "later" | "NotSubscribed" | "QuotaReached" | "InvalidInput"

export interface RowPlan {
  /** Empty in a bad row. Several rows may have the same. */
  readonly openid: string
  readonly answer: RecipientAnswer
}

/** What QQ or the client answers to all, without doing anything. The last two stop a broadcast. */
export type Trouble = "SystemBusy" | "TooFrequent" | "QuotaReached" | "TokenContested" | "WrongSecret" | "NoTemplate"

export type FaultPlan =
  | Extract<AnyFault, { readonly kind: "crash" | "freeze" | "weather" | "away" }>
  | ({ readonly at: number } & (
      | { readonly kind: "interrupt"; readonly holder: string; readonly backAfter: number }
      | { readonly kind: "trouble"; readonly during: number; readonly share: number; readonly answer: Trouble }
      /** The queue takes all chunks for unlocked, and delivers them again. */
      | { readonly kind: "unlock" }
      | { readonly kind: "pause" | "resume" | "cancel" }
      /** The operator sends again to the unknown; after so many milliseconds the process dies or is interrupted. */
      | { readonly kind: "resend"; readonly endAfter?: number | undefined; readonly dies: boolean }
    ))

export interface Plan {
  readonly seed: number
  /** Whether the turns of a process run in their order. */
  readonly inOrder: boolean
  readonly workers: ReadonlyArray<WorkerPlan>
  readonly rows: ReadonlyArray<RowPlan>
  readonly chunkSize: number
  readonly faults: ReadonlyArray<FaultPlan>
  /** The timeout of a message, and the time of a lock of the queue (ms). */
  readonly deadline: number
  readonly lock: number
  readonly rate: { readonly max: number; readonly window: number } | undefined
  /** Minutes from the beginning at which the quiet hours begin, and their length. */
  readonly quiet: { readonly from: number; readonly minutes: number } | undefined
  /** How far the store's clock is ahead (ms). */
  readonly storeClock: number
  /** Whether all that live at the end are killed, so that one process has to end the broadcast. */
  readonly endsAlone: boolean
  /** Whether the unknown are sent to again in the end. */
  readonly endsWithResend: boolean
}
