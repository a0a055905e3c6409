/**
 * The client for plain apps: the same calls as promises, with an `AbortSignal`, and errors that are the same `QQError`.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import { use } from "./App.ts"
import type { AppId, Selected } from "./App.ts"
import type { Callable } from "./Endpoint.ts"
import type { Any, CallOptions } from "./endpoint/definition.ts"
import { groups } from "./Endpoints.ts"
import { QQMini } from "./call/service.ts"
import { WaitUntil } from "./internal/settings.ts"
import { ClientClosed, InvalidInput } from "./reason/client.ts"
import { isQQError, QQError } from "./reason/error.ts"

/** How one call is made; `signal` ends it. */
export interface PromiseOptions extends CallOptions {
  /**
   * Ends the call: the promise is rejected with the signal's reason. A message that was on its way then may have been
   * sent.
   */
  readonly signal?: AbortSignal | undefined
}

/** A result as plain apps get it: what was redacted is plain, because they asked for it. */
export type Plain<A> =
  A extends Redacted.Redacted<infer Secret>
    ? Secret
    : A extends object
      ? { readonly [K in keyof A]: PlainField<A[K]> }
      : A
type PlainField<A> = A extends Redacted.Redacted<infer Secret> ? Secret : A

type Groups = typeof groups
type Method<F> = F extends (...args: infer Args) => Effect.Effect<infer A, unknown, unknown>
  ? Args extends readonly [input?: infer I, options?: unknown]
    ? {} extends NonNullable<I>
      ? (input?: I, options?: PromiseOptions) => Promise<Plain<A>>
      : (input: I, options?: PromiseOptions) => Promise<Plain<A>>
    : never
  : never

/** Every call as a promise, in its group. */
export type Calls = {
  readonly [G in keyof Groups]: { readonly [N in keyof Groups[G]]: Method<Groups[G][N]> }
}

/** The name of a call, as `security.msgSecCheck`. */
export type CallName = { [G in keyof Groups]: `${G}.${keyof Groups[G] & string}` }[keyof Groups]

/** The calls, also for another program. */
export interface Bound extends Calls {
  /** The same calls for another program: `qq.app("1112345678").security.msgSecCheck({ content })`. */
  readonly app: (app: AppId | Selected) => Calls
}

/** What a serverless runtime gives with a request, as Workers' `ctx`. */
export interface RequestContext {
  readonly waitUntil: (work: Promise<unknown>) => void
}

/** A client that is ready to use, and to be closed. */
export interface Client extends Bound, AsyncDisposable {
  /**
   * How many of a call QQ's limits allow right now, by the client's count: `qq.left("security.msgSecCheck")`. `Infinity`
   * where only QQ can count.
   */
  readonly left: (call: CallName, app?: { readonly appid?: AppId }) => Promise<number>
  /**
   * Ends the client: calls that are under way come to their end (their deadlines bound that), then its connections are
   * closed. Further calls fail with `ClientClosed`. Where requests are `apart`, as on Workers, it waits for no call, since
   * one that its runtime forgot never ends.
   */
  readonly close: () => Promise<void>
}

/** A client for serverless runtimes that let work go on after an answer. */
export interface RequestClient extends Client {
  /**
   * The same calls for one request: `qq.with(ctx)`. A fetch of the token is given to its `waitUntil` then: it comes to its
   * end though the visitor leaves, and for a renewal ahead of the token's end nobody waits.
   */
  readonly with: (request: RequestContext) => Bound
}

const endpoints: ReadonlyArray<Any> = Object.values(groups).flatMap((group) => Object.values(group))
const noCall = new InvalidInput({
  field: "call",
  problem: { en: `must be one of ${endpoints.map((one) => one.endpoint).join(", ")}`, zh: "没有这个接口" }
})

const plain = (value: unknown): unknown => {
  if (Redacted.isRedacted(value)) return Redacted.value(value)
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  const fields = Object.entries(value)
  return fields.some(([, field]) => Redacted.isRedacted(field))
    ? Object.fromEntries(
        fields.map(([key, field]) => [key, Redacted.isRedacted(field) ? Redacted.value(field) : field])
      )
    : value
}

/** Runs effects on a client, for facades with other conventions than {@link Client}'s. */
export interface Runner {
  /** Runs an effect; `name` is the call's name in the error of a closed client. */
  readonly run: <A>(
    name: string,
    effect: Effect.Effect<A, QQError, QQMini>,
    signal?: AbortSignal | undefined
  ) => Promise<A>
  /** As {@link Client.close}. */
  readonly close: () => Promise<void>
}

/** How a runner treats the calls that are on their way. */
export interface RunnerOptions {
  /**
   * Whether the runtime may forget a call, as Workers do with what a visitor asked who then left: such calls never end, so
   * nothing of them is kept, and closing waits for none. By default false.
   */
  readonly forgetful?: boolean | undefined
}

/** Makes a runner over a layer, which is built with the first call; when that fails, with the next. */
export const makeRunner = <E>(layer: Layer.Layer<QQMini, E>, { forgetful = false }: RunnerOptions = {}): Runner => {
  let runtime = ManagedRuntime.make(layer)
  let underWay = 0
  let onIdle: (() => void) | undefined
  let closed: Promise<void> | undefined

  const run: Runner["run"] = async (name, effect, signal) => {
    const isClosed = () => new QQError({ endpoint: name, app: undefined, reason: new ClientClosed({}) })
    signal?.throwIfAborted()
    if (closed !== undefined) throw isClosed()
    const used = runtime
    // not run by the runtime itself, which would keep its calls until they end
    const { cachedContext } = used
    const options = signal === undefined ? undefined : { signal }
    const running =
      cachedContext === undefined
        ? Effect.runPromiseExit(
            Effect.flatMap(used.contextEffect, (context) => Effect.provideContext(effect, context)),
            options
          )
        : Effect.runPromiseExitWith(cachedContext)(effect, options)
    if (!forgetful) underWay++
    const exit = await running
    if (!forgetful && --underWay === 0) onIdle?.()
    // what could not be built now may be built for the next call
    const failed = Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
    if (failed && used.cachedContext === undefined && used === runtime && closed === undefined) {
      runtime = ManagedRuntime.make(layer)
      await used.dispose()
    }
    if (Exit.isSuccess(exit)) return exit.value
    const interrupted = Cause.hasInterruptsOnly(exit.cause)
    if (interrupted) signal?.throwIfAborted()
    // closed while the layer was being built, so nothing was sent
    const error = interrupted && closed !== undefined ? isClosed() : Cause.squash(exit.cause)
    if (isQQError(error)) showCaller(error, run)
    throw error
  }

  // calls that are on their way come to their end, so that nobody is left not knowing; their deadlines bound the wait
  // (a layer that is still being built has sent nothing, so it need not be waited for)
  const idle = () =>
    runtime.cachedContext === undefined || underWay === 0
      ? Promise.resolve()
      : new Promise<void>((resolve) => (onIdle = resolve))
  const close = () => (closed ??= idle().then(() => runtime.dispose()))
  return { run, close }
}

/** Makes a client over a layer, which is built with the first call; when that fails, with the next. */
export const make = <E>(layer: Layer.Layer<QQMini, E>, options?: RunnerOptions): RequestClient => {
  const { close, run } = makeRunner(layer, options)

  type Around = <A>(effect: Effect.Effect<A, QQError, QQMini>) => Effect.Effect<A, QQError, QQMini>
  const bound = (around: Around): Bound & Pick<RequestClient, "with"> =>
    ({
      ...Object.fromEntries(
        Object.entries(groups).map(([group, endpoints]) => [
          group,
          Object.fromEntries(
            Object.entries(endpoints).map(([name, endpoint]) => [
              name,
              (input?: unknown, options?: PromiseOptions) => {
                const { signal, ...rest } = options ?? {}
                const call = endpoint as Callable<unknown, {}>
                const effect = call(input as {}, options === undefined ? undefined : rest)
                return run(`${group}.${name}`, around(effect), signal).then(plain)
              }
            ])
          )
        ])
      ),
      app: (app: AppId | Selected) => bound((effect) => use(around(effect), app)),
      with: (request: RequestContext) =>
        bound((effect) => Effect.provideService(around(effect), WaitUntil, (work) => request.waitUntil(work)))
    }) as unknown as Bound & Pick<RequestClient, "with">

  const left = (call: CallName, app?: { readonly appid?: AppId }) => {
    const endpoint = endpoints.find((one) => one.endpoint === call)
    const effect =
      endpoint === undefined
        ? Effect.fail(new QQError({ endpoint: String(call), app: undefined, reason: noCall }))
        : Effect.flatMap(QQMini, (client) => client.left(endpoint, app))
    return run(String(call), effect)
  }
  return Object.assign(
    bound((effect) => effect),
    {
      left,
      close,
      // Node 16 has no such symbol
      ...(Symbol.asyncDispose === undefined ? undefined : { [Symbol.asyncDispose]: close })
    }
  ) as RequestClient
}

const { captureStackTrace } = Error as { captureStackTrace?: (error: object, above: Function) => void }

/** Puts into an error's stack where the app called, which is what its author looks for. */
const showCaller = (error: QQError, above: Function): void => {
  captureStackTrace?.(error, above)
  // not every runtime writes above the places what the error says
  const places = String(error.stack).match(/^ +at .*$/gm) ?? []
  error.stack = [`${error.name}: ${error.message}`, ...places].join("\n")
}
