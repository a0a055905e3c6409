/** Broadcasts for apps without Effect: the functions of `Broadcast` as promises, on a promise client. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Stream from "effect/Stream"
import * as Broadcast from "./Broadcast.ts"
import type { QQMini } from "./call/service.ts"
import type { PromiseClient } from "./Promise.ts"
import * as PromiseWork from "./PromiseWork.ts"
import type { Quota } from "./Quota.ts"
import type { QQError } from "./reason/error.ts"
import type { SendLedger } from "./SendLedger.ts"

/** What a broadcast needs beside the client. */
export type Stores = SendLedger | Quota | PersistedQueue.PersistedQueueStore

/** A broadcast in steps, see `Broadcast.Steps`. Every function rejects with `QQError`, or with the error of the source. */
export interface PromiseSteps extends AsyncDisposable {
  readonly id: string
  /** Works for at most `budget` (a number is milliseconds), for cloud functions and timers. */
  readonly step: (options: { readonly budget: Duration.Input }) => Promise<Broadcast.Progress>
  /** Checks every row and finds duplicates, without sending anything. */
  readonly dryRun: () => Promise<Broadcast.Progress>
  /** How far the broadcast is, over all processes. */
  readonly progress: () => Promise<Broadcast.Progress>
  /** Pauses the broadcast in all processes. Returns whether it was running. */
  readonly pause: () => Promise<boolean>
  /** Goes on after a pause. Returns whether it was paused. */
  readonly resume: () => Promise<boolean>
  /** Ends the broadcast for good. Returns whether it was not cancelled before. */
  readonly cancel: () => Promise<boolean>
  /** Sends again to everybody whose outcome is unknown. Some may get the message twice. */
  readonly resendUnknown: () => Promise<Broadcast.Progress>
  /** Forgets the broadcast and its recipients. */
  readonly remove: () => Promise<void>
  /** Closes the stores. Work that is running is ended first, as with `signal`. The client stays open. */
  readonly close: () => Promise<void>
}

/** A broadcast, see `Broadcast`. */
export interface PromiseBroadcast extends PromiseSteps {
  /** Loads the recipients and sends, until every recipient has a result or the broadcast is cancelled. */
  readonly run: (options?: PromiseWork.RunOptions<Broadcast.Progress>) => Promise<Broadcast.Progress>
  /** The progress each second, with the rate, until the broadcast is over: `for await (const now of b.changes())`. */
  readonly changes: (interval?: Duration.Input) => AsyncIterable<Broadcast.Progress>
}

// Without options, the first function rejects with what is missing.
const idOf = (options: { readonly id: string } | undefined): string => options?.id ?? ""

const stepsOf = <R>(
  id: string,
  work: PromiseWork.PromiseWork<R>,
  made: Effect.Effect<Broadcast.Steps<Error>, QQError, R>
): PromiseSteps => {
  const simple =
    <Name extends "dryRun" | "progress" | "pause" | "resume" | "cancel" | "resendUnknown" | "remove">(name: Name) =>
    () =>
      work.run(
        `broadcast.${name}`,
        Effect.flatMap(made, (broadcast) => broadcast[name] as Effect.Effect<never, Error>)
      )
  const { close } = work
  return {
    id,
    step: (options) =>
      work.run(
        "broadcast.step",
        Effect.flatMap(made, ({ step }) => step(options))
      ),
    dryRun: simple("dryRun"),
    progress: simple("progress"),
    pause: simple("pause"),
    resume: simple("resume"),
    cancel: simple("cancel"),
    resendUnknown: simple("resendUnknown"),
    remove: simple("remove"),
    close,
    ...(Symbol.asyncDispose === undefined ? undefined : { [Symbol.asyncDispose]: close })
  } as PromiseSteps
}

/**
 * Makes a broadcast in steps on a client of `createQQMini`, for cloud functions and timers. Its first function opens the
 * stores.
 */
export const makeSteps = <A, E>(
  client: PromiseClient,
  stores: Layer.Layer<SendLedger | Quota, E>,
  options: Broadcast.Options<A, Error>
): PromiseSteps => {
  const work = PromiseWork.make<QQMini | SendLedger | Quota, E>(client, stores)
  return stepsOf(idOf(options), work, Broadcast.makeSteps(options))
}

/** Makes a broadcast on a client of `createQQMini`. Its first function opens the stores. */
export const make = <A, E>(
  client: PromiseClient,
  stores: Layer.Layer<Stores, E>,
  options: Broadcast.Options<A, Error>
): PromiseBroadcast => {
  type Needed = QQMini | SendLedger | Quota | PersistedQueue.PersistedQueueFactory
  const work = PromiseWork.make<Needed, E>(client, Layer.provideMerge(PersistedQueue.layer, stores))
  const made = Broadcast.make(options)
  const changes = (interval?: Duration.Input) =>
    Stream.unwrap(Effect.map(made, (broadcast) => broadcast.changes(interval)))
  return {
    ...stepsOf(idOf(options), work, made),
    run: (options) =>
      PromiseWork.withProgress(
        work,
        "broadcast.run",
        Effect.flatMap(made, ({ run }) => run),
        changes(),
        options
      ),
    changes: (interval) => PromiseWork.iterate(work, "broadcast.changes", changes(interval))
  }
}
