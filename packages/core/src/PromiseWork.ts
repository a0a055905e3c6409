/** Work in bulk for apps without Effect: it runs on a promise client, over stores of its own. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import type { QQMini } from "./call/service.ts"
import { invalidConfig } from "./internal/rule.ts"
import { isSignal, notASignal } from "./internal/signal.ts"
import { type PromiseClient, runnerOf } from "./Promise.ts"
import { QQError } from "./reason/error.ts"
import { InvalidInput } from "./reason/input.ts"

/** Options of {@link withProgress}. */
export interface RunOptions<Progress> {
  /** Ends the work: nothing more is begun, and what is on its way is waited for. Run it again to go on. */
  readonly signal?: AbortSignal | undefined
  /** Called with the progress, each second and at the end. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** Runs effects on a client and stores. */
export interface PromiseWork<R> {
  /** Runs an effect. `name` is the name of the call in the error of a closed client. */
  readonly run: <A>(name: string, effect: Effect.Effect<A, Error, R>, signal?: AbortSignal) => Promise<A>
  /** Ends all work, waits for it, and closes the stores. The client stays open. */
  readonly close: () => Promise<void>
}

const wasClosed = () => new Error("The work was closed.")

/** Makes the runner. Its first effect opens the stores. */
export const make = <R, E>(client: PromiseClient, stores: Layer.Layer<Exclude<R, QQMini>, E>): PromiseWork<R> => {
  const runner = runnerOf(client)
  const runtime = ManagedRuntime.make(stores)
  const inFlight = new Map<Promise<unknown>, AbortController>()
  let isClosed = false

  const run: PromiseWork<R>["run"] = <A>(
    name: string,
    effect: Effect.Effect<A, Error, R>,
    signal?: AbortSignal
  ): Promise<A> => {
    if (runner === undefined) {
      const error = invalidConfig("client", "must be a client of createQQMini", "必须是 createQQMini 创建的客户端")
      return Promise.reject(error)
    }
    if (!isSignal(signal)) {
      const reason = new InvalidInput({ field: "options.signal", problem: notASignal })
      return Promise.reject(new QQError({ endpoint: name, app: undefined, reason }))
    }
    const onStores = Effect.flatMap(runtime.contextEffect, (context) => Effect.provideContext(effect, context))
    // One for each effect: Workers can't make one outside of a request, or share it between requests.
    const end = new AbortController()
    if (isClosed) end.abort(wasClosed())
    if (signal?.aborted) end.abort(signal.reason)
    else signal?.addEventListener("abort", () => end.abort(signal.reason), { once: true })
    // The errors of stores and sources are the user's own, and reach them as they are.
    const running = runner.run(name, onStores as Effect.Effect<A, QQError, QQMini>, end.signal)
    inFlight.set(running, end)
    const ended = () => inFlight.delete(running)
    running.then(ended, ended)
    return running
  }
  return {
    run,
    close: async () => {
      isClosed = true
      for (const end of inFlight.values()) end.abort(wasClosed())
      await Promise.allSettled(inFlight.keys())
      await runtime.dispose()
    }
  }
}

/** Runs an effect that ends with its progress, and tells the progress meanwhile. */
export const withProgress = <A, R>(
  { run }: PromiseWork<R>,
  name: string,
  effect: Effect.Effect<A, Error, R>,
  changes: Stream.Stream<A, Error, R>,
  { onProgress, signal }: RunOptions<A> = {}
): Promise<A> => {
  if (onProgress === undefined) return run(name, effect, signal)
  const tell = (progress: A) => Effect.sync(() => onProgress(progress))
  const telling = Effect.andThen(Effect.ignore(Stream.runForEach(changes, tell)), Effect.never)
  return run(name, Effect.raceFirst(Effect.tap(effect, tell), telling), signal)
}

/** The values of a stream, each time it is iterated. */
export const iterate = <A, R>(
  { run }: PromiseWork<R>,
  name: string,
  stream: Stream.Stream<A, Error, R>
): AsyncIterable<A> => ({
  [Symbol.asyncIterator]: async function* () {
    yield* await run(name, Stream.toAsyncIterableEffect(stream))
  }
})
