/**
 * Handlers of QQ's requests for apps without Effect, as functions of the web's `Request` and `Response`: for Workers,
 * Deno, Bun, Next, Hono and others.
 *
 * ```ts
 * const paid = payNotificationHandler({ appid, appsecret, onPaid: async ({ bill_no, amt }) => {} })
 * app.post("/paid", (c) => paid(c.req.raw))
 * ```
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { hasProperty } from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import { type AppId, Apps, checkCredentials } from "./App.ts"
import { checkNames } from "./adapter/Setup.ts"
import { programNames } from "./internal/names.ts"
import { invalidConfig } from "./internal/rule.ts"
import { functions, shown } from "./internal/shown.ts"
import { maxBytes, type PayNotification, type Push } from "./Push.ts"
import { type Answer, comeAgain, payNotification, push, type Received } from "./PushHandler.ts"
import { layerMemory, PushStore } from "./PushStore.ts"
import { isQQError, type QQError } from "./reason/error.ts"
import { join } from "./transport/exchange.ts"

/** A store for handlers: a layer of `PushStore`, or an object with its methods. */
export type StoreOption = Layer.Layer<PushStore, QQError> | PushStore["Service"]

/** The options of a handler of pushes. */
export interface PushHandlerOptions {
  /**
   * Called once for each push. If it throws or rejects, QQ is asked to send it again. Anybody can send a push: do not
   * trust it alone.
   */
  readonly onPush: (push: Push) => unknown
  /** Remembers the handled messages. By default this process alone, in memory. */
  readonly store?: StoreOption | undefined
}

/** The options of a handler of payment notifications. */
export interface PayNotificationHandlerOptions {
  /** The program's id, from q.qq.com. */
  readonly appid: AppId
  /** The program's AppSecret, from q.qq.com. It checks the signature. */
  readonly appsecret: string | Redacted.Redacted<string>
  /** The path of the address as it is registered at QQ, if a proxy changes it. By default that of the request. */
  readonly path?: string | undefined
  /**
   * Called once for each genuine payment. If it throws or rejects, QQ sends the notification again. Compare `amt` with
   * your order, and change the order only if it is not paid yet.
   */
  readonly onPaid: (payment: PayNotification) => unknown
  /** Remembers the handled payments. By default this process alone, in memory. */
  readonly store?: StoreOption | undefined
}

/** Answers requests. The promise is never rejected. */
export type Answering = (received: Received) => Promise<Answer>

// The log goes to the standard error, because the standard output belongs to the app.
const layerLogger = Layer.succeed(Logger.LogToStderr, true)

const storeOf = (store: StoreOption | undefined): Layer.Layer<PushStore, QQError> =>
  store === undefined ? layerMemory : "claim" in store ? Layer.succeed(PushStore, store) : store

const checkStore = (store: unknown): Effect.Effect<void, QQError> =>
  store === undefined || Layer.isLayer(store) || (hasProperty(store, "claim") && typeof store.claim === "function")
    ? Effect.void
    : Effect.fail(
        invalidConfig(
          "store",
          "must be a layer of PushStore, or an object with its methods (claim, done, release)",
          "必须是 PushStore 的 layer，或具有其方法（claim、done、release）的对象"
        )
      )

const checkFunction = (name: string, value: unknown): Effect.Effect<void, QQError> =>
  typeof value === "function"
    ? Effect.void
    : Effect.fail(invalidConfig(name, "must be a function, as async (it) => {}", "必须是函数，如 async (it) => {}"))

const checkPath = (path: unknown, isRequired: boolean): Effect.Effect<void, QQError> =>
  (path === undefined && !isRequired) || (typeof path === "string" && path.startsWith("/"))
    ? Effect.void
    : Effect.fail(
        invalidConfig("path", "must be a path that begins with /, without the host", "必须是以 / 开头的路径，不含域名")
      )

const callOf =
  <A>(call: (value: A) => unknown) =>
  (value: A): Effect.Effect<unknown, unknown> =>
    Effect.tryPromise({ try: () => Promise.resolve(value).then(call), catch: (error) => error })

const runner = <R>(
  layer: Layer.Layer<R, QQError>,
  answer: (received: Received) => Effect.Effect<Answer, never, R>
): Answering => {
  const make = () => ManagedRuntime.make(Layer.merge(layer, layerLogger))
  let runtime = make()
  return (received) => {
    const current = runtime
    return current.runPromise(answer(received)).catch((error: unknown) => {
      // The store could not be opened. A runtime remembers that, so the next request needs a new one.
      if (current.cachedContext === undefined && current === runtime) {
        runtime = make()
        Effect.runFork(current.disposeEffect)
      }
      // S1
      const problem = isQQError(error) ? error.message : shown(error, functions)
      const log = Effect.logError(`A message of QQ can't be handled: ${problem}`)
      return Effect.runPromise(Effect.as(Effect.provide(log, layerLogger), comeAgain))
    })
  }
}

const payNames = { ...programNames, path: [], onPaid: ["handle", "onPay"], store: [] } satisfies Record<
  keyof PayNotificationHandlerOptions,
  ReadonlyArray<string>
>

/** What an adapter adds. */
export interface Adapter {
  /** Whether `path` must be given, because the adapter does not know the whole path. */
  readonly isPathRequired?: boolean
  /** The runtime's `WebCrypto`. By default the global one. */
  readonly crypto?: Layer.Layer<never>
}

/** Answers payment notifications, for adapters. Throws a `QQError` for a wrong option. */
export const payNotificationAnswers = (
  options: PayNotificationHandlerOptions,
  { crypto = Layer.empty, isPathRequired = false }: Adapter = {}
): Answering => {
  const app = Effect.runSync(
    Effect.gen(function* () {
      yield* checkNames(options, payNames)
      yield* checkFunction("onPaid", options.onPaid)
      yield* checkPath(options.path, isPathRequired)
      yield* checkStore(options.store)
      return yield* checkCredentials(options)
    })
  )
  const apps = Layer.succeed(Apps, { credentials: () => Effect.succeed(app) })
  const handle = callOf(options.onPaid)
  return runner(Layer.mergeAll(apps, storeOf(options.store), crypto), (received) =>
    payNotification({ path: options.path, handle }, received)
  )
}

const pushNames = { onPush: ["handle"], store: [] } satisfies Record<keyof PushHandlerOptions, ReadonlyArray<string>>

/** Answers pushes, for adapters. Throws a `QQError` for a wrong option. */
export const pushAnswers = (options: PushHandlerOptions): Answering => {
  Effect.runSync(
    Effect.gen(function* () {
      yield* checkNames(options, pushNames)
      yield* checkFunction("onPush", options.onPush)
      yield* checkStore(options.store)
    })
  )
  return runner(storeOf(options.store), (received) => push({ handle: callOf(options.onPush) }, received))
}

/** The beginning of a request's body: up to the piece that exceeds {@link maxBytes}. Empty if it can't be read. */
const bodyOf = (request: Request): Effect.Effect<Uint8Array> =>
  Effect.gen(function* () {
    const pieces: Array<Uint8Array> = []
    if (request.body === null) return join(pieces)
    const reader = yield* Effect.try(() => request.body!.getReader())
    for (let size = 0; size <= maxBytes; size += pieces.at(-1)!.length) {
      const { done, value } = yield* Effect.tryPromise(() => reader.read())
      if (done) return join(pieces)
      pieces.push(value)
    }
    yield* Effect.ignore(Effect.tryPromise(() => reader.cancel()))
    return join(pieces)
  }).pipe(Effect.orElseSucceed(() => new Uint8Array()))

const handler =
  (answers: Answering) =>
  (request: Request): Promise<Response> =>
    Effect.runPromise(bodyOf(request))
      .then((body) => answers({ method: request.method, path: new URL(request.url).pathname, body }))
      .then(({ body, status }) => new Response(body, { status, headers: { "content-type": "application/json" } }))

/**
 * Makes a handler of payment notifications. It answers QQ, and calls `onPaid` once for each `bill_no`. Throws a
 * `QQError` for a wrong option.
 *
 * If several processes or machines get QQ's requests, give them one `store`.
 */
export const payNotificationHandler = (
  options: PayNotificationHandlerOptions
): ((request: Request) => Promise<Response>) => handler(payNotificationAnswers(options))

/**
 * Makes a handler of pushes. It answers QQ, and calls `onPush` once for each `MsgId`. Throws a `QQError` for a wrong
 * option.
 *
 * No signature of pushes is documented. Give QQ an address that nobody can guess, and do not trust a push alone.
 */
export const pushHandler = (options: PushHandlerOptions): ((request: Request) => Promise<Response>) =>
  handler(pushAnswers(options))
