/** B1, B2 and B3: what is looked at whenever a row moves, a message leaves or comes, or a process ends. */
import type { Control, Counts, State } from "@qq-mini/core/SendLedger"
import type { Timeline } from "../../simulation/scheduler.ts"
import type { Plan } from "./plan.ts"

type Fail = (law: string, text: string) => void

/** Who holds a row, as the ledger gave it. */
interface Claim {
  readonly claim: string
  readonly process: string
  /** When its time is over. */
  readonly until: number
}

/** The names of the operator's processes begin with this. */
export const operator = "operator"

const sum = (counts: Counts): number =>
  counts.new + counts.sending + counts.sent + counts.unknown + Object.values(counts.refused).reduce((a, b) => a + b, 0)

export class Laws {
  readonly #plan: Plan
  readonly #timeline: Timeline
  readonly #fail: Fail
  readonly #note: (text: string) => void
  readonly #stateOf: (recipient: string) => State | undefined
  readonly #rows = new Set<string>()
  readonly #claims = new Map<string, Claim>()
  /** The messages that QQ sent. */
  readonly #sent = new Map<string, number>()
  /** By whom a recipient was found unknown, to send again. */
  readonly #resends = new Map<string, Set<string>>()
  /** When messages were sent or refused. */
  readonly #counted: Array<number> = []
  #control: Control = "running"

  constructor(options: {
    readonly plan: Plan
    readonly timeline: Timeline
    readonly fail: Fail
    readonly note: (text: string) => void
    /** The state of a row now. */
    readonly stateOf: (recipient: string) => State | undefined
  }) {
    this.#plan = options.plan
    this.#timeline = options.timeline
    this.#fail = options.fail
    this.#note = options.note
    this.#stateOf = options.stateOf
  }

  get control(): Control {
    return this.#control
  }

  added(recipients: ReadonlyArray<string>): void {
    for (const recipient of recipients) this.#rows.add(recipient)
  }

  /** B2: the counts are those of all rows. */
  counted(counts: Counts): void {
    if (sum(counts) !== this.#rows.size) {
      this.#fail("B2", `the counts ${JSON.stringify(counts)} are of ${sum(counts)} rows, not of ${this.#rows.size}`)
    }
  }

  controlled(to: Control, process: string): void {
    this.#note(`${process} makes the broadcast ${to}`)
    if (this.#control === "cancelled") this.#fail("B3", `a broadcast that was cancelled is ${to}`)
    this.#control = to
  }

  listed(process: string, recipients: ReadonlyArray<string>): void {
    if (!process.startsWith(operator)) return
    for (const recipient of recipients) {
      const resends = this.#resends.get(recipient) ?? new Set()
      this.#resends.set(recipient, resends.add(process))
    }
  }

  #resendsOf(recipient: string): number {
    return this.#resends.get(recipient)?.size ?? 0
  }

  /** B1 and B3, when a row is claimed. */
  claimed({
    before,
    claim,
    isAgain,
    process,
    recipient,
    ttl
  }: {
    readonly recipient: string
    readonly process: string
    readonly claim: string
    readonly ttl: number
    readonly before: State | undefined
    readonly isAgain: boolean
  }): void {
    // the answer to the first time may be lost
    if (before === "sending" && this.#claims.get(recipient)?.claim === claim) return
    this.#note(`${process} claims ${recipient}, which is ${before}${isAgain ? ", to send again" : ""}`)
    this.#claims.set(recipient, { claim, process, until: this.#timeline.now + ttl })
    if (this.#control !== "running") this.#fail("B3", `${recipient} is claimed while the broadcast is ${this.#control}`)
    if (before !== "new" && !(isAgain && before !== "sent" && before !== "refused")) {
      this.#fail("B1", `${recipient}, which is ${before}, is claimed by ${process}`)
    }
  }

  /** B2, when a row moved. */
  settled({
    after,
    before,
    process,
    recipient
  }: {
    readonly recipient: string
    readonly process: string
    readonly before: State | undefined
    readonly after: State | undefined
  }): void {
    this.#note(`${process} makes ${recipient}, which is ${before}, ${after}`)
    if (before !== "sending" && before !== "unknown")
      this.#fail("B2", `${recipient} is ${after} after it was ${before}`)
    this.#agrees(recipient, after)
  }

  /** B2: `sent` rows are in QQ's log, and what is in it is neither `new` nor `refused`. */
  #agrees(recipient: string, state: State | undefined): void {
    const isSent = this.#sent.has(recipient)
    if (state === "sent" && !isSent) this.#fail("B2", `${recipient} is sent, but QQ sent nothing`)
    // a resend may be refused after the first message was sent
    const isTold = state !== "new" && (state !== "refused" || this.#resendsOf(recipient) > 0)
    if (isSent && !isTold) this.#fail("B2", `${recipient} is ${state}, but QQ sent a message`)
  }

  /** B1, when QQ sends a message. */
  arrived(recipient: string): void {
    const times = (this.#sent.get(recipient) ?? 0) + 1
    this.#sent.set(recipient, times)
    this.#note(`QQ sends the message to ${recipient}`)
    const allowed = 1 + this.#resendsOf(recipient)
    if (times > allowed) this.#fail("B1", `${recipient} got ${times} messages, and may get ${allowed}`)
    const state = this.#stateOf(recipient)
    if (state !== "sending" && state !== "unknown" && times === allowed && allowed === 1) {
      this.#fail("B1", `a message came to QQ for ${recipient}, which is ${state}`)
    }
    this.refused()
  }

  /** B3: the broadcast's own limit, when QQ sends a message or refuses its recipient. */
  refused(): void {
    const { rate } = this.#plan
    if (rate === undefined || !this.#keepsTime()) return
    const { now } = this.#timeline
    this.#counted.push(now)
    const first = this.#counted.at(-1 - rate.max)
    if (first !== undefined && now - first < rate.window) {
      this.#fail("B3", `${rate.max + 1} messages in ${now - first} ms`)
    }
  }

  /** Whether the limiter is always there, and no process or message is late beyond the timeout of a message. */
  #keepsTime(): boolean {
    return this.#plan.faults.every(
      (fault) =>
        fault.kind !== "freeze" &&
        fault.kind !== "away" &&
        (fault.kind !== "weather" || (fault.server === "QQ" && fault.mishap !== "late requests"))
    )
  }

  /** B1: a message leaves only under its claim. B3: and not in the quiet hours, by the clock of its process. */
  left({ process, recipient, wall }: { readonly recipient: string; readonly process: string; readonly wall: number }) {
    this.#note(`the message to ${recipient} leaves ${process}`)
    const { deadline, faults, quiet } = this.#plan
    // a process may be frozen at any moment
    if (faults.some(({ kind }) => kind === "freeze")) return
    const claim = this.#claims.get(recipient)
    if (claim?.process !== process || claim.until < this.#timeline.now) {
      this.#fail("B1", `a message to ${recipient} leaves ${process}, which has no claim`)
    }
    if (quiet === undefined) return
    const since = (wall % 3_600_000) - quiet.from * 60_000
    // a claim may take as long as a message
    if (since >= deadline + 2_000 && since < quiet.minutes * 60_000) {
      this.#fail("B3", `a message leaves ${process} ${since} ms after the quiet hours began`)
    }
  }

  /** B3: a process that was interrupted has no row under way. */
  halted(process: string): void {
    for (const [recipient, claim] of this.#claims) {
      if (claim.process === process && this.#stateOf(recipient) === "sending") {
        this.#fail("B3", `${process} was interrupted, and ${recipient} is still sending`)
      }
    }
  }

  /** B2, when all is over: every row has its result, and no recipient is missing. */
  ended(counts: Counts, state: "finished" | "without unknown"): void {
    this.counted(counts)
    for (const recipient of this.#rows) this.#agrees(recipient, this.#stateOf(recipient))
    if (counts.sending > 0) this.#fail("B2", `${counts.sending} rows are still sending`)
    if (this.#control === "cancelled") return
    const recipients = new Set(this.#plan.rows.map(({ openid }) => openid).filter((openid) => openid !== ""))
    if (recipients.size !== this.#rows.size) {
      this.#fail("B2", `${this.#rows.size} of ${recipients.size} recipients have a row`)
    }
    if (counts.new > 0) this.#fail("B2", `${counts.new} rows are still new`)
    if (state === "without unknown" && counts.unknown > 0) {
      this.#fail("B2", `${counts.unknown} rows are unknown after all were sent to again`)
    }
  }
}
