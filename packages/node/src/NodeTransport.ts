/**
 * HTTP on Node: a {@link Transport} straight on undici's dispatcher, without the streams and promises of its `request`.
 */
import * as App from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as Exchange from "@qq-mini/core/adapter/exchange"
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici"

const first = (value: string | Array<string> | undefined) => (Array.isArray(value) ? value[0] : value)

/**
 * A transport over a dispatcher of undici 8. It tells exactly whether a request had left when it failed: undici says when
 * it begins to write one.
 */
export const make = (dispatcher: Dispatcher): Transport.Transport["Service"] => ({
  send: (request) =>
    Effect.callback((resume) => {
      const { body, headers, maxBytes, method, origin, timeout } = request
      let controller: Dispatcher.DispatchController | undefined
      let isOver = false
      let status = 0
      let retryAfter: string | undefined
      let announced: number | undefined
      let size = 0
      const pieces: Array<Uint8Array> = []

      // D1: undici says when it begins to write
      const phase = () => (controller === undefined ? "unsent" : "lost")
      /** Whether this is the first end. */
      const end = (): boolean => {
        if (isOver) return false
        isOver = true
        clearTimeout(timer)
        return true
      }
      const drop = () => controller?.abort(new Error("dropped"))
      const succeed = () => {
        if (end()) resume(Effect.succeed({ status, retryAfter, announced, bytes: Exchange.join(pieces) }))
      }
      const fail = (error: Transport.TransportError) => {
        if (end()) resume(Effect.fail(error))
      }
      // After a turn in which the process heard nothing, timers run before the answers that are there already.
      const timer = setTimeout(
        () =>
          setImmediate(() => {
            fail(Exchange.timedOut(phase()))
            drop()
          }),
        timeout
      )

      dispatcher.dispatch(
        // The timeouts of undici are off: `timeout` covers them all.
        {
          origin,
          path: Exchange.targetOf(request),
          method,
          headers,
          body: body ?? null,
          headersTimeout: 0,
          bodyTimeout: 0
        },
        {
          onRequestStart: (started) => {
            controller = started
            // It waited for a connection, and is dropped before anything is written.
            if (isOver) drop()
          },
          onResponseStart: (_, code, { "content-length": length, "retry-after": wait }) => {
            status = code
            retryAfter = first(wait)
            announced = Exchange.tooLong(first(length), maxBytes)
            if (announced === undefined) return
            succeed()
            drop()
          },
          onResponseData: (_, { buffer, byteLength, byteOffset }) => {
            pieces.push(new Uint8Array(buffer, byteOffset, byteLength))
            size += byteLength
            // I2: no more is read than an answer may have
            if (size <= maxBytes) return
            succeed()
            drop()
          },
          onResponseEnd: succeed,
          onResponseError: (_, error) =>
            fail(new Transport.TransportError({ ...Exchange.failed(error), phase: phase() }))
        }
      )
      return Effect.sync(() => {
        end()
        drop()
      })
    })
})

/** How requests leave this machine. */
export interface Options {
  /**
   * An HTTP proxy for all requests, as `http://user:password@proxy.example:3128`. By default the environment says it:
   * `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, as undici's `EnvHttpProxyAgent` reads them.
   */
  readonly proxy?: string | undefined
  /** A dispatcher of undici 8 that sends in the place of our own agent. It is yours to close. */
  readonly dispatcher?: Dispatcher | undefined
}

const agentOptions = {
  // One more than the calls on their way by default, so that a call for a token never waits behind them.
  connections: 65,
  pipelining: 1,
  connect: { timeout: 3_000 },
  keepAliveTimeout: 10_000
} satisfies Agent.Options

/** The variables that name a proxy. */
const named = () => ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"].filter((name) => process.env[name])

const isProxy = (text: unknown): boolean =>
  typeof text === "string" && /^https?:\/\/[^\s]+$/i.test(text) && URL.canParse(text)

// The error shows no value, since a proxy's address may hold a password.
const checkProxy = (setting: string, value: unknown): Effect.Effect<void, QQError> =>
  isProxy(value)
    ? Effect.void
    : Effect.fail(
        App.invalidConfig(
          setting,
          "must be the address of an HTTP proxy, as http://proxy.example:3128",
          "必须是 HTTP 代理的地址，如 http://proxy.example:3128"
        )
      )

/** Fails for options that can't be right. */
export const check = ({ dispatcher, proxy }: Options): Effect.Effect<void, QQError> => {
  if (proxy !== undefined) return checkProxy("proxy", proxy)
  return dispatcher === undefined || typeof dispatcher?.dispatch === "function"
    ? Effect.void
    : Effect.fail(App.invalidConfig("dispatcher", "must be a dispatcher of undici", "必须是 undici 的 dispatcher"))
}

const agentFor = ({ proxy }: Options): Agent | EnvHttpProxyAgent => {
  // With an explicit proxy, nothing of the environment counts.
  if (proxy !== undefined)
    return new EnvHttpProxyAgent({ ...agentOptions, httpProxy: proxy, httpsProxy: proxy, noProxy: "" })
  return named().length > 0 ? new EnvHttpProxyAgent(agentOptions) : new Agent(agentOptions)
}

/**
 * The transport over an agent of its own: connections are kept alive, and there are no more than 65. Connecting may take 3
 * seconds.
 */
export const layerWith = (options: Options): Layer.Layer<Transport.Transport, QQError> =>
  Layer.effect(
    Transport.Transport,
    Effect.gen(function* () {
      yield* check(options)
      if (options.dispatcher !== undefined) return make(options.dispatcher)
      if (options.proxy === undefined) for (const name of named()) yield* checkProxy(name, process.env[name])
      const agent = yield* Effect.acquireRelease(
        Effect.sync(() => agentFor(options)),
        (agent) => Effect.promise(() => agent.destroy())
      )
      return make(agent)
    })
  )

/** {@link layerWith} as it comes. */
export const layer: Layer.Layer<Transport.Transport, QQError> = layerWith({})
