/** Checks one item: reads its content, looks for a kept verdict, and asks QQ if there is none. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Schedule from "effect/Schedule"
import type { Halt } from "../bulk/halt.ts"
import { QQMini } from "../call/service.ts"
import * as PostCheck from "../Content.ts"
import { monotonicMillis } from "../internal/time.ts"
import { TimedOut } from "../reason/client.ts"
import { isQQError, QQError } from "../reason/error.ts"
import { callFunction, type FunctionFailed, type Read, read } from "./content.ts"
import type { Kept } from "./kept.ts"
import type { Checked } from "./options.ts"
import { outcomeOf } from "./outcome.ts"
import type { Pace } from "./pace.ts"
import type { Verdict } from "./progress.ts"

// How often a content is sent to QQ. Each time, the client repeats a request that gets no answer.
const maxTries = 5
// The pause before a content is looked at again that another item or process checks right now (ms).
const busyMillis = 250
// The timeout of a content of many pieces, each of which waits for its place in the quota (ms).
const piecesMillis = 600_000

/** What QQ says of a content, now or before. */
interface Answer {
  readonly verdict: "passed" | "risky"
  readonly isReused: boolean
}

// The functions of an app are called again after 1, 2 and 4 seconds, unless they say that this would be of no use.
const severalTimes = <A>(effect: Effect.Effect<A, QQError | FunctionFailed>) =>
  Effect.retry(effect, {
    times: 3,
    schedule: Schedule.exponential("1 second"),
    while: (error) => !isQQError(error) || error.isRetryable
  })

/** What a checker works with. */
export interface CheckerOptions<A> {
  readonly options: Checked<A, unknown>
  readonly context: Context.Context<QQMini>
  readonly kept: Kept
  readonly pace: Pace
  readonly halt: Halt
  readonly newOwner: () => string
}

/** The checker of one process. */
export class Checker<A> {
  readonly #of: CheckerOptions<A>

  constructor(of: CheckerOptions<A>) {
    this.#of = of
  }

  /**
   * Checks an item and reports its verdict. Fails if no other item would be checked either, or if the report fails. C1:
   * what could not be read or checked is `failed`.
   */
  check(
    item: A,
    name: { readonly key: string; readonly line: number }
  ): Effect.Effect<Verdict | "halted", QQError | FunctionFailed> {
    const { options, pace } = this.#of
    const { onVerdict } = options
    return Effect.gen({ self: this }, function* () {
      if (!(yield* pace.goesOn)) return "halted"
      const content = yield* Effect.result(this.#read(item))
      const found = content._tag === "Failure" ? content.failure : yield* this.#answer(content.success)
      if (found === "halted") return found
      if (isQQError(found) && outcomeOf(found.reason) === "stop") return yield* found
      const verdict: Verdict = "verdict" in found ? { ...name, ...found } : { ...name, verdict: "failed", error: found }
      if (onVerdict !== undefined) yield* severalTimes(callFunction("onVerdict", () => onVerdict(item, verdict)))
      return verdict
    })
  }

  #error(during: TimedOut["during"], limit: number): QQError {
    const { appid } = this.#of.options.credentials
    return new QQError({ endpoint: "moderation.backfill", app: appid, reason: new TimedOut({ during, limit }) })
  }

  #read(item: A): Effect.Effect<Read, QQError | FunctionFailed> {
    const { content, deadline } = this.#of.options
    return severalTimes(
      Effect.flatMap(
        callFunction("content", () => content(item)),
        read
      ).pipe(Effect.timeoutOrElse({ duration: deadline, orElse: () => Effect.fail(this.#error("media", deadline)) }))
    )
  }

  #kept(key: string): Effect.Effect<Answer | undefined> {
    return Effect.map(this.#of.kept.verdict(key), (verdict) => verdict && { verdict, isReused: true })
  }

  /** The verdict on a content, or why there is none. */
  #answer(content: Read): Effect.Effect<Answer | QQError | "halted"> {
    const { halt, kept, newOwner, pace } = this.#of
    const { key } = content
    return Effect.gen({ self: this }, function* () {
      for (let tries = 1; ;) {
        const before = yield* this.#kept(key)
        if (before !== undefined) return before
        const began = yield* monotonicMillis
        const claimed = yield* kept.claimed(key, newOwner(), this.#ask(content))
        if (claimed === "busy") {
          yield* halt.sleep(busyMillis)
          if (halt.isHalted) return "halted"
          continue
        }
        // A kept value that is no verdict is replaced.
        const found = claimed === "kept" ? ((yield* this.#kept(key)) ?? (yield* this.#ask(content))) : claimed
        if (!isQQError(found)) {
          if (found !== "halted" && !found.isReused) pace.gate.open()
          return found
        }
        if (outcomeOf(found.reason) !== "again" || tries === maxTries) return found
        tries++
        pace.gate.close(began, yield* monotonicMillis, found.retryAfter ?? 0)
      }
    })
  }

  /** Asks QQ, and keeps its answer. */
  #ask({ key, post }: Read): Effect.Effect<Answer | QQError | "halted"> {
    const { context, kept, options, pace } = this.#of
    const { credentials, prepare } = options
    return Effect.suspend(() => {
      const halted = Latch.makeUnsafe()
      const onHalt = Effect.andThen(halted.open, Effect.never)
      const check = PostCheck.check(
        { ...post, ...credentials },
        { deadline: piecesMillis, concurrency: 1, stopAtFirst: true, prepare }
      ).pipe(
        Effect.provideContext(Context.add(context, QQMini, pace.client(onHalt))),
        Effect.flatMap(({ images, texts }): Effect.Effect<Answer | QQError> => {
          const found = [...texts, ...images][0]!
          switch (found.verdict) {
            case "failed":
              return Effect.succeed(found.error)
            case "skipped":
              return Effect.succeed(this.#error("queue", piecesMillis))
            default: {
              const { verdict } = found
              return Effect.as(kept.putVerdict(key, verdict), { verdict, isReused: false })
            }
          }
        }),
        Effect.catch((error) => Effect.succeed(error))
      )
      return Effect.raceFirst(check, Effect.as(halted.await, "halted" as const))
    })
  }
}
