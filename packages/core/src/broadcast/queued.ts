/** The work on a broadcast whose chunks go to many workers through a queue. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as PersistedQueue from "effect/persistence/PersistedQueue"
import type { SourceError } from "../bulk/source.ts"
import type { QQError } from "../reason/error.ts"
import { Chunk, parse, revise } from "./letter.ts"
import type { LoaderOptions } from "./loader.ts"
import { documentOf } from "./progress.ts"
import { loadWith, type Session, whileNotHalted } from "./work.ts"

// The pause after an error of the queue (ms).
const pauseMillis = 1_000
// Two chunks at once, so that the next one is there while the last messages of a chunk are on their way.
const chunksAtOnce = 2
// A chunk is tried until it is done. Its recipients count their own tries.
const maxAttempts = 2_147_483_647

/** Sends one chunk of the queue. A chunk that is not finished goes back to the queue. */
const takeChunk = <A, E>(
  { entry, halt, parts, sender }: Session<A, E>,
  queue: PersistedQueue.PersistedQueue<typeof Chunk.Type>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    let isSending = false
    const first = documentOf(entry).shared
    const taken = queue.take(({ letters }) => {
      isSending = true
      // An interruption gives the chunk back, and does not count as a try.
      const revised = letters.map((letter) => revise(parse(letter), first, parts.options.shared))
      return Effect.flatMap(sender.send(revised), (end) => (end === "halted" ? Effect.interrupt : Effect.void))
    })
    const safely = Effect.catchCause(taken, (cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : Effect.andThen(Effect.logWarning("A chunk could not be taken from the queue", cause), halt.sleep(pauseMillis))
    )
    const waitingIsHalted = Effect.andThen(
      halt.signal,
      Effect.suspend(() => (isSending ? Effect.never : Effect.void))
    )
    return Effect.raceFirst(safely, waitingIsHalted)
  })

/** Loads into the queue, and sends what is in it. */
export const runQueued = <A, E>(
  queues: PersistedQueue.PersistedQueueFactory["Service"],
  session: Session<A, E>
): Effect.Effect<void, E | SourceError | QQError> =>
  Effect.gen(function* () {
    const { entry, halt, ledger, parts } = session
    const { id } = parts.options
    const queue = yield* queues.make({ name: `${id}:${entry.created}`, schema: Chunk, maxAttempts })
    const offer: LoaderOptions<A, E>["take"] = (chunk, { own }) => {
      const value = { letters: own.map(({ line, text }) => ({ line, text })) }
      return Effect.as(
        ledger.until(() => queue.offer(value, { id: `${id}:${chunk}` })),
        true
      )
    }
    const others = Array.from({ length: chunksAtOnce }, () => whileNotHalted(halt, takeChunk(session, queue)))
    return yield* loadWith(session, offer, others)
  })
