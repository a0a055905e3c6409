/**
 * A local simulation of QQ's mini-program platform, for tests and development.
 *
 * It is built from the core's endpoint values. It follows QQ's documents and captured answers: tokens that expire and
 * rotate, single-use login codes, subscriptions that a message uses up, signed calls, orders and coins, 50 mini codes,
 * published pages, quotas in rolling windows, and checks of texts and images. Undocumented behaviour can be configured
 * with switches. It reads the time only from Effect's `Clock`, so that a `TestClock` controls it.
 */
import type * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Transport from "@qq-mini/core/Transport"
import * as ByteSize from "effect/ByteSize"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Stream from "effect/Stream"
import type * as Fault from "./Fault.ts"
import { systemError } from "./internal/answer.ts"
import { Faults } from "./internal/faults.ts"
import type { Seen } from "./internal/exchanges.ts"
import type { LogEntry } from "./internal/log.ts"
import { type Bill, notifyPaid, type Paid, pay, type Pushed, pushForm } from "./internal/outbound.ts"
import { type Options, Platform } from "./internal/platform.ts"
import type { PayNotification, Posted, Posting } from "./internal/post.ts"
import { defaultTemplate, type Program } from "./internal/program.ts"
import { answerRequest } from "./internal/request.ts"
import { type State, stateOf } from "./internal/state.ts"

export type { Exchange, Seen, ShownAnswer } from "./internal/exchanges.ts"
export type { LogEntry } from "./internal/log.ts"
export type { Bill, Paid, Pushed } from "./internal/outbound.ts"
export type { Answer, PayNotification, Posted, Posting } from "./internal/post.ts"
export { type Options, riskySamples } from "./internal/platform.ts"
export { defaultOffer, defaultPrograms, defaultTemplate, type Offer, type Program } from "./internal/program.ts"
export type { State, UsedQuota } from "./internal/state.ts"
export { defaultSwitches, type Switches } from "./internal/switches.ts"

/** The simulated platform. Its methods also trigger events that do not come from calls of the server API. */
export class Sandbox extends Context.Service<
  Sandbox,
  {
    /** Answers one request. Returns `undefined` if the connection breaks without an answer. */
    readonly handle: Effect.Effect<
      HttpServerResponse.HttpServerResponse | undefined,
      never,
      HttpServerRequest.HttpServerRequest
    >
    /**
     * Logs a user in, as `qq.login` does. Returns the login code, the user's openid in the program, and the session key
     * that `code2Session` returns for the code.
     */
    readonly login: (user?: {
      readonly user?: string
      readonly appid?: string
    }) => Effect.Effect<{ readonly code: string; readonly openid: string; readonly session_key: string }>
    /** Subscribes a user to a template, as `qq.subscribeAppMsg` does. Allows `times` messages, by default 1. */
    readonly subscribe: (options: {
      readonly openid: string
      readonly template_id?: string
      readonly times?: number
    }) => Effect.Effect<void>
    /** Makes a user refuse the messages of a template. */
    readonly refuse: (options: { readonly openid: string; readonly template_id?: string }) => Effect.Effect<void>
    /** Submits a form as a user. Returns its form_id, which allows one template message, or `""` for an unknown user. */
    readonly submitForm: (options: { readonly openid: string }) => Effect.Effect<string>
    /** Buys coins at Midas as a user. */
    readonly buyCoins: (options: { readonly openid: string; readonly amt: number }) => Effect.Effect<void>
    /**
     * Pays an order of `gamePay.prePay` as its user, then posts the notification to the developer's server as the
     * options or the program's `notify` say. Ends when the notification is accepted or given up.
     */
    readonly pay: (options: Bill & PayNotification) => Effect.Effect<Paid>
    /** Posts the notification of a paid order again, as a replay. */
    readonly notifyPaid: (options: Bill & PayNotification) => Effect.Effect<Posted>
    /**
     * Pushes a new form_id of a user to the developer's server as the options or the program's `push` say. `MsgId` is
     * the id of a former message, to push it twice.
     */
    readonly pushForm: (
      options: Posting & { readonly openid: string; readonly MsgId?: string | undefined }
    ) => Effect.Effect<Pushed>
    /** What the calls of `openData` stored for a user. */
    readonly stored: (options: { readonly openid: string }) => Effect.Effect<{
      readonly storage: Readonly<Record<string, string>>
      readonly interactive: Readonly<Record<string, number>>
    }>
    /** The user with this openid, with the session key of the user's logins. */
    readonly user: (
      openid: string
    ) => Effect.Effect<{ readonly appid: string; readonly user: string; readonly session_key: string } | undefined>
    /** The newest valid token of a program. Issues one only if there is none, so no other client's token gets old. */
    readonly token: (appid?: string) => Effect.Effect<string>
    /** Fetches a token as another client, and returns it. The old token stays valid for its grace period. */
    readonly stealToken: (appid?: string) => Effect.Effect<string>
    /** Makes all tokens of the program invalid immediately. */
    readonly revokeTokens: (appid?: string) => Effect.Effect<void>
    /** Marks an image as risky from now on. Images are compared by their bytes. */
    readonly markRisky: (image: Uint8Array) => Effect.Effect<void>
    /** Adds a fault. */
    readonly fault: (fault: Fault.Fault) => Effect.Effect<void>
    /** Removes all faults. */
    readonly heal: Effect.Effect<void>
    /** The log of all requests, oldest first. */
    readonly log: Effect.Effect<ReadonlyArray<LogEntry>>
    /** How many requests for a call are in the log. */
    readonly count: (endpoint: string) => Effect.Effect<number>
    /** Empties the log. */
    readonly clearLog: Effect.Effect<void>
    /**
     * Makes the platform as it was at the start: no users, orders, used quotas, marked images, faults or requests. Only
     * tokens stay valid, because clients hold them.
     */
    readonly reset: Effect.Effect<void>
    /** What there is on the platform now, for people: programs, users, orders and faults, without secrets. */
    readonly state: Effect.Effect<State>
    /** The last 200 requests with their answers, then those that come. A reader that is too slow misses some. */
    readonly exchanges: Stream.Stream<Seen>
    /** The programs on the platform. */
    readonly programs: ReadonlyArray<Program>
  }
>()("@qq-mini/sandbox/Sandbox") {}

// Larger than the body of any valid call.
const maxBodySize = ByteSize.mebibytes(4)

/** Makes the simulated platform. */
export const make = Effect.fnUntraced(function* (options: Options = {}): Effect.fn.Return<Sandbox["Service"]> {
  const platform = new Platform(options, yield* Random.Random)
  const faults = new Faults()
  const { first, programs } = platform
  const { httpClient } = options
  const outbound = <A>(effect: Effect.Effect<A, never, HttpClient.HttpClient>): Effect.Effect<A> =>
    httpClient === undefined
      ? Effect.provide(effect, FetchHttpClient.layer)
      : Effect.provideService(effect, HttpClient.HttpClient, httpClient)
  return Sandbox.of({
    programs,
    handle: answerRequest(platform, faults).pipe(
      Effect.provideService(HttpIncomingMessage.MaxBodySize, maxBodySize),
      // A defect while one request is handled must not stop the platform.
      Effect.catchDefect((defect) => Effect.as(Effect.logError("the sandbox failed", defect), systemError))
    ),
    login: ({ appid = first, user: name = "someone" } = {}) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const user = platform.user(appid, name)
        return { code: platform.login(user, now), openid: user.openid, session_key: user.sessionKey }
      }),
    subscribe: ({ openid, template_id = defaultTemplate, times = 1 }) =>
      Effect.sync(() => {
        const { subscriptions } = platform.withOpenid(openid) ?? {}
        const left = subscriptions?.get(template_id) ?? 0
        subscriptions?.set(template_id, (left === "refused" ? 0 : left) + times)
      }),
    refuse: ({ openid, template_id = defaultTemplate }) =>
      Effect.sync(() => void platform.withOpenid(openid)?.subscriptions.set(template_id, "refused")),
    submitForm: ({ openid }) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const user = platform.withOpenid(openid)
        return user === undefined ? "" : platform.submitForm(user, now)
      }),
    buyCoins: ({ amt, openid }) =>
      Effect.sync(() => {
        const user = platform.withOpenid(openid)
        if (user !== undefined) user.coins.bought += amt
      }),
    pay: (options) => outbound(pay(platform, options)),
    notifyPaid: (options) => outbound(notifyPaid(platform, options)),
    pushForm: (options) => outbound(pushForm(platform, options)),
    stored: ({ openid }) =>
      Effect.sync(() => {
        const { interactive = [], storage = [] } = platform.withOpenid(openid) ?? {}
        return { storage: Object.fromEntries(storage), interactive: Object.fromEntries(interactive) }
      }),
    user: (openid) =>
      Effect.sync(() => {
        const user = platform.withOpenid(openid)
        return user && { appid: user.appid, user: user.name, session_key: user.sessionKey }
      }),
    token: (appid = first) =>
      Effect.map(
        Clock.currentTimeMillis,
        (now) => platform.tokens(appid, now).at(-1)?.value ?? platform.issue(appid, now)
      ),
    stealToken: (appid = first) => Effect.map(Clock.currentTimeMillis, (now) => platform.issue(appid, now)),
    revokeTokens: (appid = first) => Effect.sync(() => platform.revoke(appid)),
    markRisky: (image) => Effect.sync(() => platform.markRisky(image)),
    fault: (fault) => faults.add(fault),
    heal: Effect.sync(() => faults.clear()),
    log: Effect.sync(() => [...platform.log]),
    count: (endpoint) => Effect.sync(() => platform.log.filter((entry) => entry.endpoint === endpoint).length),
    clearLog: Effect.suspend(() => {
      platform.log = []
      return platform.exchanges.clear
    }),
    reset: Effect.suspend(() => {
      platform.reset()
      faults.clear()
      return platform.exchanges.clear
    }),
    state: Effect.map(Clock.currentTimeMillis, (now) => stateOf(platform, faults, now)),
    exchanges: platform.exchanges.stream
  })
})

/** The simulated platform, without a client. */
export const layerPlatform = (options?: Options): Layer.Layer<Sandbox> => Layer.effect(Sandbox, make(options))

const client = Effect.map(Sandbox, (sandbox) =>
  HttpClient.make((request) =>
    sandbox.handle.pipe(
      Effect.provideService(HttpServerRequest.HttpServerRequest, HttpServerRequest.fromClientRequest(request)),
      Effect.flatMap((response) =>
        response === undefined
          ? Effect.fail(
              new HttpClientError.HttpClientError({
                reason: new HttpClientError.TransportError({
                  request,
                  cause: Object.assign(new Error("socket hang up"), { code: "ECONNRESET" })
                })
              })
            )
          : Effect.succeed(HttpServerResponse.toClientResponse(response, { request }))
      )
    )
  )
)

/** An HTTP client that sends its requests to the provided platform, in this process. */
export const layerHttpClient: Layer.Layer<HttpClient.HttpClient, never, Sandbox> = Layer.effect(
  HttpClient.HttpClient,
  client
)

/** A transport that sends its requests to the provided platform, in this process. */
export const layerTransport: Layer.Layer<Transport.Transport, never, Sandbox> = Transport.layerHttpClient.pipe(
  Layer.provide(layerHttpClient)
)

/** The registry of the platform's programs. The first one is the default. */
export const layerApps: Layer.Layer<App.Apps, QQError, Sandbox> = Layer.effect(
  App.Apps,
  Effect.flatMap(Sandbox, ({ programs }) => App.make({ apps: programs, source: "the sandbox's programs" }))
)

/** A platform with a client that uses it, in this process. A test needs nothing else. */
export const layerWith = (
  options?: Options
): Layer.Layer<
  QQMini.QQMini | AccessToken.AccessToken | Sandbox | Transport.Transport | HttpClient.HttpClient | App.Apps,
  QQError
> =>
  QQMini.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(layerTransport, layerHttpClient, layerApps)),
    Layer.provideMerge(layerPlatform(options))
  )

/** {@link layerWith} without options. */
export const layer = layerWith()
