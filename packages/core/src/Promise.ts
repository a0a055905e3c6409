/**
 * The client for apps without Effect: every call returns a promise, takes an `AbortSignal`, and rejects with `QQError`.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import { use } from "./App.ts"
import * as Content from "./Content.ts"
import type { AppId, Selected } from "./App.ts"
import type { Callable } from "./Endpoint.ts"
import type { Any, CallCredentials, CallOptions } from "./endpoint/definition.ts"
import { groups } from "./Endpoints.ts"
import { request, type Requesting } from "./call/otherPath.ts"
import { QQMini } from "./call/service.ts"
import { misnamedIn } from "./internal/names.ts"
import type { Help } from "./internal/reason.ts"
import { WaitUntil } from "./internal/settings.ts"
import { isSignal, notASignal } from "./internal/signal.ts"
import { ClientClosed, InvalidInput } from "./reason/client.ts"
import { isQQError, QQError } from "./reason/error.ts"

/** Options of one call of the promise client. */
export interface PromiseOptions extends CallOptions {
  /**
   * Aborts the call: the promise is rejected with the signal's reason. A message whose request had already left may
   * have been sent.
   */
  readonly signal?: AbortSignal | undefined
}

/** A result of the promise client: redacted values and fields are replaced by their plain values. */
export type Unredacted<A> =
  A extends Redacted.Redacted<infer Secret>
    ? Secret
    : A extends object
      ? { readonly [K in keyof A]: UnredactedField<A[K]> }
      : A
type UnredactedField<A> =
  A extends Redacted.Redacted<infer Secret>
    ? Secret
    : A extends ReadonlyArray<infer Item>
      ? ReadonlyArray<Unredacted<Item>>
      : A

type Groups = typeof groups
type Method<F> = F extends (...args: infer Args) => Effect.Effect<infer A, unknown, unknown>
  ? Args extends readonly [input?: infer I, options?: unknown]
    ? {} extends NonNullable<I>
      ? (input?: I, options?: PromiseOptions) => Promise<Unredacted<A>>
      : (input: I, options?: PromiseOptions) => Promise<Unredacted<A>>
    : never
  : never

/** All calls of QQ's API as functions that return promises, by group: `calls.security.msgSecCheck({ content })`. */
export type Calls = {
  readonly [G in keyof Groups]: { readonly [N in keyof Groups[G]]: Method<Groups[G][N]> }
}

/** The name of a call, such as `security.msgSecCheck`. */
export type CallName = { [G in keyof Groups]: `${G}.${keyof Groups[G] & string}` }[keyof Groups]

/** All calls, any other path of QQ's API, and the check of whole posts. */
export interface AllCalls extends Calls {
  readonly content: {
    /** Checks a whole post: `qq.content.check({ texts, images })`, as `Content.check`. */
    readonly check: (
      post: Content.Post & CallCredentials,
      options?: Content.Options & PromiseOptions
    ) => Promise<Content.Report>
  }
  /** Calls any other path: `qq.request({ path: "/api/json/group/NewCall", body: { a: 1 } })`, as `QQMini.request`. */
  readonly request: Requesting<"Promise", PromiseOptions>
}

/** All calls, and the same calls for another program. */
export interface BoundCalls extends AllCalls {
  /** The same calls for another program: `qq.app("1112345678").security.msgSecCheck({ content })`. */
  readonly app: (app: AppId | Selected) => AllCalls
}

/** The context of a request on a serverless runtime, such as the `ctx` of a Worker. */
export interface RequestContext {
  /** Keeps the runtime alive until the promise has settled. */
  readonly waitUntil: (work: Promise<unknown>) => void
}

/** The promise client. Close it with `close` or `await using`. */
export interface PromiseClient extends BoundCalls, AsyncDisposable {
  /**
   * How often a call may be made right now, by the client's own count of QQ's limits:
   * `qq.remaining("security.msgSecCheck")`. `Infinity` if only QQ can count the calls.
   */
  readonly remaining: (call: CallName, app?: { readonly appid?: AppId }) => Promise<number>
  /**
   * Closes the client. It waits until the calls in flight have ended, at most until their deadlines, and then closes
   * the connections. Later calls fail with `ClientClosed`. With `runs: "request"`, as on Workers, it does not wait
   * for calls, because a call that the runtime dropped never ends.
   */
  readonly close: () => Promise<void>
}

/** The promise client for serverless runtimes that allow work after the response. */
export interface RequestClient extends PromiseClient {
  /**
   * The same calls for one request: `qq.with(ctx)`. Fetches of a token are passed to `ctx.waitUntil`. So a fetch
   * completes even if the visitor disconnects, and no call waits for a renewal before the token expires. Throws a
   * `QQError` if there is no function `waitUntil`.
   */
  readonly with: (request: RequestContext) => BoundCalls
}

const endpoints: ReadonlyArray<Any> = Object.values(groups).flatMap((group) => Object.values(group))
const endpointNames = endpoints.map((one) => one.name).join(", ")

const invalid = (endpoint: string, field: string, problem: Help): QQError =>
  new QQError({ endpoint, app: undefined, reason: new InvalidInput({ field, problem }) })

const unknownCall = { en: `must be one of ${endpointNames}`, zh: `必须是以下之一：${endpointNames}` }
const signalNames = { signal: ["abortSignal"] }
const notAContext = {
  en: "must be the context of a request, with the function waitUntil",
  zh: "必须是请求的上下文对象，具有函数 waitUntil"
}

const unredact = (value: unknown): unknown => {
  if (Redacted.isRedacted(value)) return Redacted.value(value)
  if (Array.isArray(value)) return value.map(unredact)
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, unredact(field)]))
}

/** Runs effects on a client. For facades whose conventions differ from those of {@link PromiseClient}. */
export interface Runner {
  /** Runs an effect. `name` is the name of the call in the error of a closed client. `signal` aborts the effect. */
  readonly run: <A>(
    name: string,
    effect: Effect.Effect<A, QQError, QQMini>,
    signal?: AbortSignal | undefined
  ) => Promise<A>
  /** Closes the client, as {@link PromiseClient.close} does. */
  readonly close: () => Promise<void>
}

/** Options of {@link makeRunner} and {@link make}. */
export interface RunnerOptions {
  /**
   * Whether the runtime may drop a call without ending it, as Workers do when the visitor disconnects. If so, the
   * client keeps no reference to its calls, and `close` does not wait for them. By default `false`.
   */
  readonly dropsCalls?: boolean | undefined
}

// Node 16 has no `signal.throwIfAborted`.
const throwIfAborted = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted) throw signal.reason
}

/** Makes a runner from a layer. The layer is built by the first call. If that fails, the next call builds it again. */
export const makeRunner = <E>(layer: Layer.Layer<QQMini, E>, { dropsCalls = false }: RunnerOptions = {}): Runner => {
  let runtime = ManagedRuntime.make(layer)
  let inFlight = 0
  let onIdle: (() => void) | undefined
  let closed: Promise<void> | undefined

  const run: Runner["run"] = async (name, effect, signal) => {
    const isClosed = () => new QQError({ endpoint: name, app: undefined, reason: new ClientClosed({}) })
    throwIfAborted(signal)
    if (closed !== undefined) throw isClosed()
    const used = runtime
    // `runtime.runPromise` would keep a reference to each call until it ends.
    const { cachedContext } = used
    const options = signal === undefined ? undefined : { signal }
    const running =
      cachedContext === undefined
        ? Effect.runPromiseExit(
            Effect.flatMap(used.contextEffect, (context) => Effect.provideContext(effect, context)),
            options
          )
        : Effect.runPromiseExitWith(cachedContext)(effect, options)
    if (!dropsCalls) inFlight++
    const exit = await running
    if (!dropsCalls && --inFlight === 0) onIdle?.()
    // If the layer could not be built, the next call builds it again.
    const failed = Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
    if (failed && used.cachedContext === undefined && used === runtime && closed === undefined) {
      runtime = ManagedRuntime.make(layer)
      await used.dispose()
    }
    if (Exit.isSuccess(exit)) return exit.value
    const interrupted = Cause.hasInterruptsOnly(exit.cause)
    if (interrupted) throwIfAborted(signal)
    // The client was closed while the layer was being built, so nothing was sent.
    const error = interrupted && closed !== undefined ? isClosed() : Cause.squash(exit.cause)
    if (isQQError(error)) showCaller(error, run)
    throw error
  }

  // Wait for the calls in flight, so that every caller learns the outcome. Their deadlines bound the wait. While the
  // layer is being built nothing has been sent, so there is nothing to wait for.
  const idle = () =>
    runtime.cachedContext === undefined || inFlight === 0
      ? Promise.resolve()
      : new Promise<void>((resolve) => (onIdle = resolve))
  const close = () => (closed ??= idle().then(() => runtime.dispose()))
  return { run, close }
}

const runners = /* @__PURE__ */ new WeakMap<object, Runner>()

/** The runner of a client, for functions that are not calls. `undefined` for anything else. */
export const runnerOf = (client: PromiseClient): Runner | undefined => runners.get(client)

/** Makes a client from a layer. The layer is built by the first call. If that fails, the next call builds it again. */
export const make = <E>(layer: Layer.Layer<QQMini, E>, options?: RunnerOptions): RequestClient => {
  const runner = makeRunner(layer, options)
  const { close, run } = runner

  /** Makes the function of a call. */
  const method =
    (name: string, callable: Callable<unknown, {}>, around: Around, convert = unredact) =>
    (input?: unknown, options?: PromiseOptions) => {
      const { signal, ...rest } = (typeof options === "object" ? options : undefined) ?? {}
      const [misnamed] = misnamedIn(options, signalNames)
      if (misnamed !== undefined) return run(name, Effect.fail(invalid(name, "options.signal", misnamed[1])))
      if (!isSignal(signal)) return run(name, Effect.fail(invalid(name, "options.signal", notASignal)))
      const effect = callable(input as {}, typeof options === "object" ? rest : options)
      return run(name, around(effect), signal ?? undefined).then(convert)
    }

  type Around = <A>(effect: Effect.Effect<A, QQError, QQMini>) => Effect.Effect<A, QQError, QQMini>
  const bound = (around: Around): BoundCalls & Pick<RequestClient, "with"> =>
    ({
      ...Object.fromEntries(
        Object.entries(groups).map(([group, endpoints]) => [
          group,
          Object.fromEntries(
            Object.entries(endpoints).map(([name, endpoint]) => [
              name,
              method(`${group}.${name}`, endpoint as Callable<unknown, {}>, around)
            ])
          )
        ])
      ),
      request: method("request", request as Callable<unknown, {}>, around, identity),
      content: { check: method("content.check", Content.check as Callable<unknown, {}>, around, identity) },
      app: (app: AppId | Selected) => bound((effect) => use(around(effect), app)),
      with: (request: RequestContext) => {
        if (typeof request?.waitUntil !== "function") throw invalid("with", "request", notAContext)
        return bound((effect) => Effect.provideService(around(effect), WaitUntil, (work) => request.waitUntil(work)))
      }
    }) as unknown as BoundCalls & Pick<RequestClient, "with">

  const remaining = (call: CallName, app?: { readonly appid?: AppId }) => {
    const endpoint = endpoints.find((one) => one.name === call)
    const name = typeof call === "string" ? call : "remaining"
    const effect =
      endpoint === undefined
        ? Effect.fail(invalid(name, "call", unknownCall))
        : Effect.flatMap(QQMini, (client) => client.remaining(endpoint, app))
    return run(name, effect)
  }
  const client = Object.assign(
    bound((effect) => effect),
    {
      remaining,
      close,
      // Node 16 has no Symbol.asyncDispose.
      ...(Symbol.asyncDispose === undefined ? undefined : { [Symbol.asyncDispose]: close })
    }
  ) as RequestClient
  runners.set(client, runner)
  return client
}

const { captureStackTrace } = Error as { captureStackTrace?: (error: object, above: Function) => void }

/**
 * Replaces the stack of an error by the stack of the app's call, which is more useful than the place in the runtime.
 */
const showCaller = (error: QQError, above: Function): void => {
  captureStackTrace?.(error, above)
  // Not every runtime puts the message above the stack frames.
  const places = String(error.stack).match(/^ +at .*$/gm) ?? []
  error.stack = [`${error.name}: ${error.message}`, ...places].join("\n")
}
