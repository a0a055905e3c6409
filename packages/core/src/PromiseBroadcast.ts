/** Broadcasts for apps without Effect: the functions of `Broadcast` as promises, on a promise client. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Stream from "effect/Stream"
import * as Broadcast from "./Broadcast.ts"
import { invalidConfig } from "./internal/rule.ts"
import { type PromiseClient, type Runner, runnerOf } from "./Promise.ts"
import type { Quota } from "./Quota.ts"
import type { QQMini } from "./call/service.ts"
import { QQError } from "./reason/error.ts"
import type { SendLedger } from "./SendLedger.ts"

/** What a broadcast needs beside the client. */
export type Stores = SendLedger | Quota | PersistedQueue.PersistedQueueStore

/** Options of {@link PromiseBroadcast.run}. */
export interface RunOptions {
  /** Ends the work: no more messages are begun, and those on their way are waited for. Run it again to go on. */
  readonly signal?: AbortSignal | undefined
  /** Called with the progress, each second and at the end. */
  readonly onProgress?: ((progress: Broadcast.Progress) => void) | undefined
}

/** A broadcast, see `Broadcast`. Every function rejects with `QQError`, or with the error of the source. */
export interface PromiseBroadcast extends AsyncDisposable {
  readonly id: string
  /** Loads the recipients and sends, until every recipient has a result or the broadcast is cancelled. */
  readonly run: (options?: RunOptions) => Promise<Broadcast.Progress>
  /** Works for at most `budget` (a number is milliseconds), for cloud functions and timers. */
  readonly step: (options: { readonly budget: Duration.Input }) => Promise<Broadcast.Progress>
  /** Checks every row and finds duplicates, without sending anything. */
  readonly dryRun: () => Promise<Broadcast.Progress>
  /** How far the broadcast is, over all processes. */
  readonly progress: () => Promise<Broadcast.Progress>
  /** The progress each second, with the rate, until the broadcast is over: `for await (const now of b.changes())`. */
  readonly changes: (interval?: Duration.Input) => AsyncIterable<Broadcast.Progress>
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

type Needed = QQMini | SendLedger | Quota | PersistedQueue.PersistedQueueFactory

/** A signal that is aborted with either of two. Node below 20 has no `AbortSignal.any`. */
const endOf = (signal: AbortSignal | undefined, closing: AbortController): AbortSignal => {
  if (signal === undefined) return closing.signal
  const either = new AbortController()
  for (const one of [signal, closing.signal]) {
    if (one.aborted) either.abort(one.reason)
    else one.addEventListener("abort", () => either.abort(one.reason), { once: true })
  }
  return either.signal
}

/** Makes a broadcast on a client of `createQQMini`. Its first function opens the stores. */
export const make = <A, E>(
  client: PromiseClient,
  stores: Layer.Layer<Stores, E>,
  options: Broadcast.Options<A, Error>
): PromiseBroadcast => {
  const runner: Runner | undefined = runnerOf(client)
  const runtime = ManagedRuntime.make(Layer.provideMerge(PersistedQueue.layer, stores))
  const closing = new AbortController()
  const inFlight = new Set<Promise<unknown>>()

  const run = <B>(
    name: string,
    use: (broadcast: Broadcast.Broadcast<Error>) => Effect.Effect<B, Error>,
    signal?: AbortSignal
  ): Promise<B> => {
    if (runner === undefined) {
      return Promise.reject(
        invalidConfig("client", "must be a client of createQQMini", "必须是 createQQMini 创建的客户端")
      )
    }
    const effect = Effect.gen(function* () {
      const context = yield* runtime.contextEffect
      return yield* Effect.provideContext(
        Effect.flatMap(Broadcast.make(options), use) as Effect.Effect<B, Error, Needed>,
        context
      )
    })
    // The errors of stores and sources are the user's own, and reach them as they are.
    const running = runner.run(`broadcast.${name}`, effect as Effect.Effect<B, QQError, QQMini>, endOf(signal, closing))
    inFlight.add(running)
    const ended = () => inFlight.delete(running)
    running.then(ended, ended)
    return running
  }
  const simple =
    <Name extends "dryRun" | "progress" | "pause" | "resume" | "cancel" | "resendUnknown" | "remove">(name: Name) =>
    () =>
      run(name, (broadcast) => broadcast[name] as Effect.Effect<never, Error>)

  const changes: PromiseBroadcast["changes"] = (interval) => ({
    [Symbol.asyncIterator]: async function* () {
      const stream = await run("changes", (broadcast) => Stream.toAsyncIterableEffect(broadcast.changes(interval)))
      yield* stream
    }
  })
  const close = async () => {
    closing.abort(new Error("The broadcast was closed."))
    await Promise.allSettled(inFlight)
    await runtime.dispose()
  }

  return {
    id: options.id,
    run: ({ onProgress, signal }: RunOptions = {}) =>
      run(
        "run",
        (broadcast) => {
          if (onProgress === undefined) return broadcast.run
          const tell = (progress: Broadcast.Progress) => Effect.sync(() => onProgress(progress))
          return Effect.raceFirst(
            Effect.tap(broadcast.run, tell),
            Effect.andThen(Effect.ignore(Stream.runForEach(broadcast.changes(), tell)), Effect.never)
          )
        },
        signal
      ),
    step: (options) => run("step", (broadcast) => broadcast.step(options)),
    dryRun: simple("dryRun"),
    progress: simple("progress"),
    changes,
    pause: simple("pause"),
    resume: simple("resume"),
    cancel: simple("cancel"),
    resendUnknown: simple("resendUnknown"),
    remove: simple("remove"),
    close,
    ...(Symbol.asyncDispose === undefined ? undefined : { [Symbol.asyncDispose]: close })
  } as PromiseBroadcast
}
