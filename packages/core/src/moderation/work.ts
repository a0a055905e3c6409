/** The work of one process on a backfill: it goes through the source, part by part. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import * as Random from "effect/Random"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { digestOf } from "../bulk/digest.ts"
import { Halt, untilHalted } from "../bulk/halt.ts"
import { isOnce, notARow, read, type Row, type SourceError } from "../bulk/source.ts"
import { QQMini } from "../call/service.ts"
import type { QQError } from "../reason/error.ts"
import { Checker } from "./checker.ts"
import { callFunction, type FunctionFailed } from "./content.ts"
import { invalid } from "./invalid.ts"
import { type Kept, partSize } from "./kept.ts"
import type { Checked } from "./options.ts"
import { Pace } from "./pace.ts"
import { emptyPart, type Part, type Verdict, withVerdict } from "./progress.ts"

/** What a backfill works with. */
export interface Parts<A, E> {
  readonly options: Checked<A, E>
  readonly context: Context.Context<QQMini>
  readonly kept: Kept
  /** Open while the backfill is not paused. */
  readonly running: Latch.Latch
  /** The parts that this process has begun, by their numbers. */
  readonly begun: Map<number, Part>
}

/** How one process works. */
export interface How {
  /** Whether it waits for the parts that other processes have begun. */
  readonly waitsForOthers: boolean
  /** The time after which no more checks are begun (ms). */
  readonly haltAfter?: number | undefined
}

// Two parts at once, so that the next one is there while the last checks of a part are on their way.
const partsAtOnce = 2
// How often the parts of other processes are looked at (ms).
const pollMillis = 1_000
// How long the results of the last checks may take, beside their own timeout (ms).
const lastResultsMillis = 5_000

interface Session<A, E> extends Parts<A, E> {
  readonly halt: Halt
  readonly checker: Checker<A>
  readonly turns: Semaphore.Semaphore
  /** The name of this work in the claims of parts. */
  readonly owner: string
}

const begin = <A, E>(parts: Parts<A, E>): Effect.Effect<Session<A, E>> =>
  Effect.map(Random.nextIntBetween(0, 2 ** 48), (random) => {
    const { context, kept, options, running } = parts
    const { concurrency, credentials, deadline, leaveForLive } = options
    const owner = random.toString(36)
    const halt = new Halt()
    const client = Context.get(context, QQMini)
    const pace = new Pace({ client, credentials, leaveForLive, deadline, halt, running })
    let owners = 0
    // Two items with the same content are two owners.
    const newOwner = () => `${owner}.${(++owners).toString(36)}`
    const checker = new Checker<A>({ options, context, kept, pace, halt, newOwner })
    return { ...parts, halt, checker, turns: Semaphore.makeUnsafe(concurrency), owner }
  })

const checkRow = <A, E>(
  { checker, turns }: Session<A, E>,
  { line, problem, value }: Row<A>,
  key: string
): Effect.Effect<Verdict | "halted", QQError | FunctionFailed> =>
  value === undefined
    ? Effect.succeed({
        key,
        line,
        verdict: "failed",
        error: invalid([{ field: "row", problem: problem ?? notARow }])
      })
    : turns.withPermit(checker.check(value, { key, line }))

/** Works on a part, unless it is finished or another process works on it. */
const workOn = <A, E>(
  session: Session<A, E>,
  n: number,
  rows: ReadonlyArray<Row<A>>
): Effect.Effect<"done" | "busy" | "halted", QQError | FunctionFailed> =>
  Effect.gen(function* () {
    const { begun, kept, options, owner } = session
    const keys = yield* Effect.forEach(rows, ({ line, value }) =>
      value === undefined || options.key === undefined
        ? Effect.succeed(String(line))
        : Effect.map(
            callFunction("key", () => options.key!(value)),
            String
          )
    )
    const empty = emptyPart(rows.length, digestOf(0, keys.join("\n")))
    const isDone = (part: Part | undefined) => part?.items === empty.items && part.digest === empty.digest
    if (isDone(yield* kept.part(n))) return "done"
    const work = Effect.gen(function* () {
      if (isDone(yield* kept.part(n, true))) return "done"
      let part = empty
      let isHalted = false
      begun.set(n, part)
      yield* Effect.forEach(
        rows,
        (row, i) =>
          Effect.map(checkRow(session, row, keys[i]!), (verdict) => {
            if (verdict === "halted") isHalted = true
            else begun.set(n, (part = withVerdict(part, verdict)))
          }),
        { concurrency: "unbounded", discard: true }
      )
      if (isHalted) return "halted"
      yield* kept.putPart(n, part)
      return "done"
    })
    return yield* kept.claimedPart(
      n,
      owner,
      Effect.ensuring(
        work,
        Effect.sync(() => begun.delete(n))
      )
    )
  })

/** Goes through the source once. Returns how many items it has, and the parts that other processes have begun. */
const pass = <A, E>(session: Session<A, E>) =>
  Effect.suspend(() => {
    const { halt, kept, options } = session
    const { rows, skipped } = read(options.items, { rows: kept.unbroken * partSize }, (problem) =>
      invalid([{ field: "items", problem }])
    )
    const busy = new Set<number>()
    let items = skipped
    let next = skipped / partSize
    return rows.pipe(
      Stream.interruptWhen(halt.signal),
      Stream.grouped(partSize),
      Stream.map((part) => {
        items += part.length
        return { n: next++, part }
      }),
      Stream.mapEffect(
        ({ n, part }) => Effect.map(workOn(session, n, part), (end) => (end === "busy" ? busy.add(n) : undefined)),
        { concurrency: partsAtOnce }
      ),
      Stream.runDrain,
      Effect.map(() => ({ items, busy }))
    )
  })

/** Waits until one of these parts was given up, or all are finished. */
const untilFree = <A, E>({ halt, kept, owner }: Session<A, E>, busy: Set<number>): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (busy.size > 0 && !halt.isHalted) {
      yield* halt.sleep(pollMillis)
      for (const n of busy) {
        if ((yield* kept.part(n, true)) !== undefined) busy.delete(n)
        else if ((yield* kept.claimedPart(n, owner, Effect.succeed("free"))) === "free") return
      }
    }
  })

/** Works on a backfill until every item is done or the time is over. */
export const run = <A, E>(
  parts: Parts<A, E>,
  { haltAfter, waitsForOthers }: How
): Effect.Effect<void, QQError | E | SourceError | FunctionFailed> =>
  Effect.flatMap(begin(parts), (session) => {
    const { halt, kept, options } = session
    const work = Effect.gen(function* () {
      yield* kept.patientRefresh
      for (;;) {
        const { busy, items } = yield* pass(session)
        if (halt.isHalted) return
        if (busy.size > 0) {
          if (!waitsForOthers) return
          yield* untilFree(session, busy)
          if (busy.size > 0 || !isOnce(options.items)) continue
        }
        return yield* kept.putTotal(items)
      }
    })
    return untilHalted(halt, { haltAfter, patience: options.deadline + lastResultsMillis }, work)
  })
