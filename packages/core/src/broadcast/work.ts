/** The work of one process on a broadcast: it loads the recipients and sends to them. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import { Halt, untilHalted } from "../bulk/halt.ts"
import type { SourceError } from "../bulk/source.ts"
import type { QQMini } from "../call/service.ts"
import { monotonicMillis } from "../internal/time.ts"
import type { Entry } from "../ledger/types.ts"
import type { Quota } from "../Quota.ts"
import type { QQError } from "../reason/error.ts"
import type { SendLedger } from "../SendLedger.ts"
import type { Observable } from "../telemetry/observe.ts"
import { type Letter, parse, revise } from "./letter.ts"
import { load, type LoaderOptions } from "./loader.ts"
import { type Checked, invalid } from "./options.ts"
import { PatientLedger } from "./patientLedger.ts"
import { documentOf, isOver, progressOf } from "./progress.ts"
import { Sender } from "./sender.ts"

/** What every process needs for a broadcast. */
export interface Parts<A, E> {
  readonly options: Checked<A, E>
  readonly store: SendLedger["Service"]
  readonly client: Context.Context<QQMini>
  readonly quota: Quota["Service"]
  readonly observed: Observable["broadcast"]
  /** Loads into the queue, and sends what is in it. Missing where only steps are made. */
  readonly runQueued?: ((session: Session<A, E>) => Effect.Effect<void, E | SourceError | QQError>) | undefined
}

/** How one process works. Times are milliseconds. */
export interface How {
  /** The timeout of one message. */
  readonly deadline: number
  readonly waitsForResume: boolean
  /** The time after which no more messages are begun. */
  readonly haltAfter?: number | undefined
}

// How often it is looked whether the broadcast is over (ms).
const pollMillis = 500
// How long the results of the last messages may take (ms).
const lastResultsMillis = 5_000
// A claim is over after twice the timeout of a message: a message is begun within the first, and ends within the second.
const claimDeadlines = 2
// Rows of the ledger that are read at once.
const pageSize = 500

/** The work of one process. */
export interface Session<A, E> {
  readonly parts: Parts<A, E>
  readonly entry: Entry
  readonly halt: Halt
  readonly ledger: PatientLedger
  readonly sender: Sender
}

const begin = Effect.fnUntraced(function* <A, E>(parts: Parts<A, E>, entry: Entry, how: How) {
  const { deadline, haltAfter = Infinity, waitsForResume } = how
  const { appid, concurrency, id, limits, quiet } = parts.options
  const halt = new Halt()
  const ledger = new PatientLedger(parts.store, id, claimDeadlines * deadline)
  const process = (yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)
  let claims = 0
  const sender = new Sender({
    ledger,
    client: parts.client,
    quota: parts.quota,
    halt,
    appid,
    concurrency,
    deadline,
    rate: { key: `${appid ?? ""} broadcast ${id}`, limits },
    quiet,
    endsAt: (yield* monotonicMillis) + haltAfter,
    waitsForResume,
    newClaim: () => `${process}.${(++claims).toString(36)}`
  })
  const session: Session<A, E> = { parts, entry, halt, ledger, sender }
  return session
})

// The messages on their way are waited for. A step does so within its budget.
const endOf = ({ deadline, haltAfter }: How) => ({
  haltAfter,
  patience: haltAfter === undefined ? deadline + lastResultsMillis : deadline
})

/** Runs an effect again and again until the work is halted. */
export const whileNotHalted = (halt: Halt, effect: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (!halt.isHalted) yield* effect
  })

/** Halts the work if the broadcast is over or was removed. */
const look = <A, E>({ halt, ledger, parts }: Session<A, E>): Effect.Effect<void> =>
  Effect.gen(function* () {
    const entry = yield* ledger.until((store, broadcast) => store.read(broadcast))
    if (entry === undefined || isOver(progressOf(parts.options.id, entry))) return halt.now()
    const { control, counts } = entry
    // B2: nobody claims the last rows again.
    if (counts.sending > 0 && (counts.new === 0 || control === "cancelled")) yield* endClaims(ledger)
  })

/** Ends the claims of processes that died: a page of rows that are `unknown` does so for its part of the ledger. */
const endClaims = (ledger: PatientLedger, cursor?: string): Effect.Effect<void> =>
  Effect.flatMap(
    ledger.until((store, broadcast) => store.unknown(broadcast, { cursor, limit: pageSize })),
    ({ next }) => (next === undefined ? Effect.void : endClaims(ledger, next))
  )

/** Looks until the work is halted. */
const watch = <A, E>(session: Session<A, E>): Effect.Effect<void> =>
  whileNotHalted(
    session.halt,
    Effect.flatMap(look(session), () => session.halt.sleep(pollMillis))
  )

/** Loads, while others work, until the broadcast is over or the work is halted. */
export const loadWith = Effect.fnUntraced(function* <A, E>(
  session: Session<A, E>,
  take: LoaderOptions<A, E>["take"],
  others: ReadonlyArray<Effect.Effect<void>>
) {
  const { halt, ledger, parts } = session
  const loaded = Effect.exit(load({ options: parts.options, ledger, halt, take, needsRecipients: true })).pipe(
    Effect.tap((exit) => Effect.sync(() => Exit.isFailure(exit) && halt.now()))
  )
  const [exit] = yield* Effect.all([loaded, watch(session), ...others], { concurrency: "unbounded" })
  return yield* exit
})

/** Sends what is read, chunk by chunk. A step ends then, `run` waits for the other processes. */
const runInline = <A, E>(session: Session<A, E>, { waitsForResume }: How) => {
  const { halt, ledger, parts, sender } = session
  const take: LoaderOptions<A, E>["take"] = (_, { own, seen }) =>
    // Of those that were seen before, the sender leaves out who has a result.
    Effect.map(sender.send([...own, ...seen]), (end) => end === "done")
  return waitsForResume
    ? loadWith(session, take, [])
    : Effect.andThen(load({ options: parts.options, ledger, halt, take, needsRecipients: true }), look(session))
}

const needsQueue = invalid([
  {
    field: "id",
    problem: {
      en: "is a broadcast that run has begun, and its recipients are in a queue. Go on with run, or give another id",
      zh: "对应的群发由 run 开始，接收者在队列中。请继续使用 run，或换一个 id"
    }
  }
])

/** Works on a broadcast until it is over or the time is. */
export const run = <A, E>(parts: Parts<A, E>, entry: Entry, how: How): Effect.Effect<void, E | SourceError | QQError> =>
  Effect.flatMap(begin(parts, entry, how), (session) => {
    const { runQueued = () => Effect.fail(needsQueue) } = parts
    const work = documentOf(entry).isQueued ? runQueued(session) : runInline(session, how)
    return untilHalted(session.halt, endOf(how), work)
  })

/** Checks all rows, under the name of another broadcast. */
export const dryRun = <A, E>(
  { options, store }: Parts<A, E>,
  name: string
): Effect.Effect<void, E | SourceError | QQError> =>
  load({
    options,
    ledger: new PatientLedger(store, name, 0),
    halt: new Halt(),
    take: () => Effect.succeed(true),
    needsRecipients: false
  })

/** Sends again to every recipient whose outcome is unknown now. */
export const resendUnknown = <A, E>(parts: Parts<A, E>, entry: Entry, how: How): Effect.Effect<void> =>
  Effect.flatMap(begin(parts, entry, how), (session) => {
    const { halt, ledger, sender } = session
    const page = (cursor: string | undefined): Effect.Effect<void> =>
      Effect.gen(function* () {
        const found = yield* ledger.until((store, broadcast) => store.unknown(broadcast, { cursor, limit: pageSize }))
        const letters = found.rows.map(({ claim, message }): Letter => ({
          ...revise(parse({ line: 0, text: message }), documentOf(entry).shared, parts.options.shared),
          instead: claim
        }))
        const end = yield* sender.send(letters)
        if (end === "done" && found.next !== undefined && !halt.isHalted) yield* page(found.next)
      })
    return untilHalted(halt, endOf(how), page(undefined))
  })
