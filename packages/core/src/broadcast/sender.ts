/** Sends the messages of a broadcast, each at most once. */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import type { AppId } from "../App.ts"
import type { Halt } from "../bulk/halt.ts"
import { withPlace } from "../call/place.ts"
import type { QQMini } from "../call/service.ts"
import { Turns } from "../call/turns.ts"
import { millisOf, monotonicMillis } from "../internal/time.ts"
import type { Settled } from "../ledger/types.ts"
import type { CountedCall } from "../Limit.ts"
import type { Quota } from "../Quota.ts"
import type { QQError } from "../reason/error.ts"
import { send } from "../SubscribeMessage.ts"
import type { Letter } from "./letter.ts"
import { outcomeOf } from "./outcome.ts"
import type { PatientLedger } from "./patientLedger.ts"
import { Timing } from "./timing.ts"

/** What a sender works with. Times are milliseconds. */
export interface SenderOptions {
  readonly ledger: PatientLedger
  readonly client: Context.Context<QQMini>
  readonly quota: Quota["Service"]
  readonly halt: Halt
  readonly appid: AppId | undefined
  readonly concurrency: number
  readonly deadline: number
  /** The broadcast's own limit, counted over all processes. */
  readonly rate: CountedCall
  /** Milliseconds until the quiet hours are over, at this time of the day. */
  readonly quiet: (now: number) => number
  /** The monotonic time at which the work is halted, or `Infinity`. */
  readonly endsAt: number
  /** Whether a paused broadcast is waited for. Without, a pause ends the work as the halt does. */
  readonly waitsForResume: boolean
  readonly newClaim: () => string
}

/**
 * A message is tried again at a time. `isOfUser`: because QQ refused it for its user. `instead`: the claim of this try,
 * if the message is for a recipient whose outcome is unknown.
 */
interface Again {
  readonly at: number
  readonly isOfUser?: boolean
  readonly instead?: string
}

/** Where one message stands: it has its result, the work ends before it was sent, or it is tried again. */
type Tried = "settled" | "halted" | "cancelled" | Again

/** The message was not sent, and its place in the limits can be returned. */
class Unsent extends Data.Error<{ readonly tried: Tried }> {}
/** The message may have been sent. */
class Lost extends Data.Error {}

// A row that is tried again this often, because of its user, counts as refused.
const maxTries = 3
// So many messages in a row that are refused for what they contain stop the broadcast.
const maxRefusedInARow = 50
// How often a paused broadcast is looked at (ms).
const pausedPollMillis = 1_000

const phase = (failure: Unsent | Lost) => (failure instanceof Unsent ? "unsent" : "lost")

/** The sender of one process. */
export class Sender {
  readonly #options: SenderOptions
  readonly #timing: Timing
  readonly #limiter: Quota["Service"]
  readonly #turns: Turns
  readonly #resumed = new Turns(1)
  #refusedInARow = 0

  constructor(options: SenderOptions) {
    this.#options = options
    this.#timing = new Timing(options)
    this.#turns = new Turns(options.concurrency)
    const { ledger, quota } = options
    // B3: a broadcast can wait, so without the limiter nothing is sent.
    this.#limiter = {
      ...quota,
      reserve: (reservation) => {
        let { booking } = reservation
        return ledger.until(() => {
          const tried = { ...reservation, booking }
          // The answer may be lost and the booking used up: to give it up a second time would give up another's.
          booking = undefined
          return quota.reserve(tried)
        })
      }
    }
  }

  /**
   * Sends messages until each has its result. Ends early when the work is halted, or the broadcast is cancelled or
   * removed.
   */
  send(letters: ReadonlyArray<Letter>): Effect.Effect<"done" | "halted" | "cancelled"> {
    const { concurrency, halt, ledger, newClaim } = this.#options
    return Effect.gen({ self: this }, function* () {
      const recipients = letters.map(({ message }) => message.touser)
      const rows = yield* ledger.until((store, broadcast) => store.rows(broadcast, recipients))
      let cancelled = false
      let left = letters
        .filter(({ instead }, i) => instead !== undefined || /^(new|sending)$/.test(rows[i]?.state ?? ""))
        .map((letter) => ({ letter, at: 0, tries: 1 }))
      while (left.length > 0) {
        const next: typeof left = []
        // B1: each try has its own claim. A result of an earlier try that reaches the ledger late does not end this one.
        const claim = newClaim()
        yield* Effect.forEach(
          left,
          ({ at, letter, tries }) =>
            Effect.gen({ self: this }, function* () {
              const wait = at - (yield* monotonicMillis)
              if (wait > 0 && !halt.isHalted) yield* this.#timing.sleep(wait)
              const tried = cancelled ? "cancelled" : yield* this.#turns.run(this.#try(letter, claim, tries), identity)
              cancelled ||= tried === "cancelled"
              if (tried === "halted") next.push({ letter, at, tries })
              else if (typeof tried === "object") {
                const { at, instead = letter.instead, isOfUser } = tried
                next.push({ letter: { ...letter, instead }, at, tries: isOfUser ? tries + 1 : tries })
              }
            }),
          { concurrency, discard: true }
        )
        if (cancelled) return "cancelled"
        if (next.length > 0 && halt.isHalted) return "halted"
        left = next.sort((a, b) => a.at - b.at)
      }
      return "done"
    })
  }

  /** Tries to send one message, when it may be sent and has its place in the limits. */
  #try(letter: Letter, claim: string, tries: number): Effect.Effect<Tried> {
    const { deadline, halt, rate } = this.#options
    return Effect.gen({ self: this }, function* () {
      const clock = yield* Clock.Clock
      yield* this.#timing.ready()
      if (halt.isHalted) return "halted"
      let begun = false
      const attempt = Effect.suspend(() => {
        if (halt.isHalted) return Effect.fail(new Unsent({ tried: "halted" }))
        // The wait for the place may have been long.
        if (this.#timing.wait(clock) > 0) return Effect.fail(new Unsent({ tried: { at: 0 } }))
        begun = true
        return this.#attempt(letter, claim, tries)
      })
      const placed = withPlace<Tried, Unsent | Lost, never>(
        this.#limiter,
        rate,
        // The bookings of steps that end before their places come would move everybody else's back, again and again.
        { maxWait: () => this.#timing.left(clock), ttl: () => 2 * deadline, phase },
        identity,
        attempt
      ).pipe(
        Effect.catch((failure) =>
          Effect.succeed<Tried>(
            failure instanceof Unsent
              ? failure.tried
              : failure instanceof Lost
                ? "settled"
                : { at: millisOf(clock) + (failure.wait ?? 0) }
          )
        )
      )
      // A message that waits for its place is not waited for, one that was begun is.
      const halted = Effect.andThen(
        halt.signal,
        Effect.suspend(() => (begun ? Effect.never : Effect.succeed<Tried>("halted")))
      )
      return yield* Effect.raceFirst(placed, halted)
    })
  }

  /** Claims the row, sends the message and writes the result. B1: nothing is sent without a claim, or after its time. */
  #attempt(letter: Letter, claim: string, tries: number): Effect.Effect<Tried, Unsent | Lost> {
    const { appid, client, deadline, ledger } = this.#options
    const { instead, message, text } = letter
    const recipient = message.touser
    return Effect.gen({ self: this }, function* () {
      const began = yield* monotonicMillis
      const claimed = yield* ledger.claim(claim, { recipient, message: text, instead })
      if (claimed.found === "busy") return yield* new Unsent({ tried: { at: began + claimed.wait } })
      if (claimed.found === "done") return yield* new Unsent({ tried: "settled" })
      if (claimed.found === "stopped") return yield* new Unsent({ tried: yield* this.#stopped })
      if ((yield* monotonicMillis) - began > deadline) {
        // A process that was frozen here would send after its claim was over.
        return yield* this.#unsent(letter, claim, { at: 0 })
      }
      const call = send(appid === undefined ? message : { ...message, appid }, { deadline })
      const result = yield* Effect.result(Effect.provideContext(call, client))
      if (result._tag === "Failure") return yield* this.#failed(result.failure, { letter, claim, tries, began })
      this.#timing.gate.open()
      this.#refusedInARow = 0
      yield* ledger.settle(claim, { recipient, to: "sent" })
      return "settled"
    })
  }

  /** Writes what a failed call means for the recipient. */
  #failed(
    error: QQError,
    of: { readonly letter: Letter; readonly claim: string; readonly tries: number; readonly began: number }
  ): Effect.Effect<Tried, Unsent | Lost> {
    const { ledger } = this.#options
    const outcome = outcomeOf(error)
    const settle = (to: Settled["to"], reason?: string) =>
      ledger.settle(of.claim, { recipient: of.letter.message.touser, to, reason })
    const unsent = (again: Again) => this.#unsent(of.letter, of.claim, again)
    return Effect.flatMap(monotonicMillis, (now): Effect.Effect<Tried, Unsent | Lost> => {
      switch (outcome._tag) {
        case "unknown":
          return Effect.andThen(settle("unknown"), Effect.fail(new Lost()))
        case "stop":
          return Effect.andThen(this.#pause(error), unsent({ at: 0 }))
        case "trouble":
          this.#timing.gate.close(of.began, now, outcome.wait)
          return unsent({ at: 0 })
        case "later":
          return of.tries < maxTries
            ? unsent({ at: now + outcome.wait, isOfUser: true })
            : Effect.as(settle("refused", outcome.reason), "settled")
        case "refused": {
          this.#timing.gate.open()
          this.#refusedInARow = outcome.isOfMessage ? this.#refusedInARow + 1 : 0
          const isEnough = this.#refusedInARow >= maxRefusedInARow
          // If it is resumed, as many may be refused again.
          if (isEnough) this.#refusedInARow = 0
          const pause = isEnough ? this.#pause(error) : Effect.void
          return Effect.as(Effect.andThen(settle("refused", outcome.reason), pause), "settled")
        }
      }
    })
  }

  /**
   * Writes that nothing was sent. B2: if the outcome was unknown before, it is unknown again. An earlier message may have
   * been sent, and no chunk of the queue would bring a `new` row back.
   */
  #unsent({ instead, message }: Letter, claim: string, again: Again): Effect.Effect<never, Unsent> {
    const wasUnknown = instead !== undefined
    return Effect.andThen(
      this.#options.ledger.settle(claim, { recipient: message.touser, to: wasUnknown ? "unknown" : "new" }),
      Effect.fail(new Unsent({ tried: wasUnknown ? { ...again, instead: claim } : again }))
    )
  }

  /** Pauses the broadcast of all processes, because no message would be sent. */
  #pause(error: QQError): Effect.Effect<void> {
    return this.#options.ledger
      .until((store, broadcast) =>
        store.control(broadcast, { from: ["running"], to: "paused", why: JSON.stringify(error) })
      )
      .pipe(
        Effect.flatMap((isFirst) =>
          isFirst ? Effect.logError(`The broadcast is paused: ${error.message}`) : Effect.void
        )
      )
  }

  /** What to do when the broadcast is not running: waits until it is. */
  get #stopped(): Effect.Effect<Tried> {
    const { halt, ledger, waitsForResume } = this.#options
    const look: Effect.Effect<Tried> = Effect.suspend(() =>
      Effect.flatMap(
        ledger.until((store, broadcast) => store.read(broadcast)),
        (entry): Effect.Effect<Tried> => {
          if (entry === undefined || entry.control === "cancelled") return Effect.succeed("cancelled")
          if (entry.control === "running") return Effect.succeed({ at: 0 })
          if (!waitsForResume) halt.now()
          return halt.isHalted ? Effect.succeed("halted") : Effect.andThen(halt.sleep(pausedPollMillis), look)
        }
      )
    )
    // One of the waiting messages looks for all.
    return this.#resumed.run(look, identity)
  }
}
