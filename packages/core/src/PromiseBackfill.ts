/** Backfills for apps without Effect: the functions of `Moderation.backfill` as promises, on a promise client. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { QQMini } from "./call/service.ts"
import * as Moderation from "./Moderation.ts"
import type { PromiseClient } from "./Promise.ts"
import * as PromiseWork from "./PromiseWork.ts"
import type { VerdictStore } from "./VerdictStore.ts"

/** A backfill, see `Moderation`. Every function rejects with `QQError`, or with the error of the source. */
export interface PromiseBackfill extends AsyncDisposable {
  readonly id: string
  /** Goes through the items until each has a verdict or has failed. */
  readonly run: (options?: PromiseWork.RunOptions<Moderation.Progress>) => Promise<Moderation.Progress>
  /** Works for at most `budget` (a number is milliseconds), for cloud functions and timers. */
  readonly step: (options: { readonly budget: Duration.Input }) => Promise<Moderation.Progress>
  /** How far the backfill is. */
  readonly progress: () => Promise<Moderation.Progress>
  /** The progress each second, with the rate, until the backfill is finished. */
  readonly changes: (interval?: Duration.Input) => AsyncIterable<Moderation.Progress>
  /** Closes the store of verdicts. Work that is running is ended first, as with `signal`. The client stays open. */
  readonly close: () => Promise<void>
}

/** Makes a backfill on a client of `createQQMini`. Its first function opens the store. */
export const make = <A, E>(
  client: PromiseClient,
  store: Layer.Layer<VerdictStore, E>,
  options: Moderation.Options<A, Error>
): PromiseBackfill => {
  const work = PromiseWork.make<QQMini | VerdictStore, E>(client, store)
  // One for all functions, because it counts the parts that are not written yet.
  const made = Effect.runSync(Effect.cached(Moderation.backfill(options)))
  const changes = (interval?: Duration.Input) =>
    Stream.unwrap(Effect.map(made, (backfill) => backfill.changes(interval)))
  const { close } = work
  return {
    id: options.id,
    run: (options) =>
      PromiseWork.withProgress(
        work,
        "backfill.run",
        Effect.flatMap(made, ({ run }) => run),
        changes(),
        options
      ),
    step: (options) =>
      work.run(
        "backfill.step",
        Effect.flatMap(made, ({ step }) => step(options))
      ),
    progress: () =>
      work.run(
        "backfill.progress",
        Effect.flatMap(made, ({ progress }) => progress)
      ),
    changes: (interval) => PromiseWork.iterate(work, "backfill.changes", changes(interval)),
    close,
    ...(Symbol.asyncDispose === undefined ? undefined : { [Symbol.asyncDispose]: close })
  } as PromiseBackfill
}
