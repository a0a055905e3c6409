/**
 * HTTP on Node: a `Transport` that uses undici's dispatcher directly, to avoid the cost of the streams and promises of
 * undici's `request`.
 */
import * as App from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as Exchange from "@qq-mini/core/adapter/exchange"
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici"
import * as zlib from "node:zlib"

const first = (value: string | Array<string> | undefined) => (Array.isArray(value) ? value[0] : value)

const decoders = Exchange.zlibDecoders(zlib)

/** The headers and the body of a request for undici. If the body is in pieces, undici needs a content length. */
const contentOf = ({ body, headers }: Transport.Request): Pick<Dispatcher.DispatchOptions, "headers" | "body"> =>
  typeof body === "object" && !(body instanceof Uint8Array)
    ? {
        headers: { ...headers, "content-length": String(lengthOf(body)) },
        // undici accepts iterables according to its documentation, but not according to its types.
        body: body as unknown as Uint8Array
      }
    : { headers, body: body ?? null }

// For a dispatcher with undici's redirect interceptor. A redirect would send the token to another server.
const noRedirects = { maxRedirections: 0 }

const lengthOf = (pieces: ReadonlyArray<Uint8Array>) => pieces.reduce((size, { length }) => size + length, 0)

/**
 * Makes a transport over a dispatcher of undici 8. When a request fails, it knows whether the request had left, because
 * undici reports when it starts to write a request.
 */
export const make = (dispatcher: Dispatcher): Transport.Transport["Service"] => ({
  send: (request) =>
    Effect.callback((resume) => {
      const { maxBytes, method, origin, timeout } = request
      let controller: Dispatcher.DispatchController | undefined
      let isOver = false
      let status = 0
      let retryAfter: string | undefined
      let announced: number | undefined
      let codings: string | Array<string> | undefined
      let size = 0
      const pieces: Array<Uint8Array> = []

      // D1: undici sets the controller when it starts to write the request.
      const phase = () => (controller === undefined ? "unsent" : "lost")
      /** Ends the exchange. Returns `false` if it has already ended. */
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
      const decode = (codings: string) => {
        const response = { status, retryAfter, bytes: Exchange.join(pieces) }
        Exchange.settle(Exchange.decode(decoders, codings, response, maxBytes), (exit) => {
          if (end()) resume(exit)
        })
      }
      const fail = (error: Transport.TransportError) => {
        if (end()) resume(Effect.fail(error))
      }
      // After a blocked turn of the event loop, timers run before answers that have already arrived. So give these one
      // turn.
      const timer = setTimeout(
        () =>
          setImmediate(() => {
            fail(Exchange.timedOut(phase()))
            drop()
          }),
        timeout
      )

      dispatcher.dispatch(
        // undici's own timeouts are disabled, because `timeout` covers the whole exchange.
        {
          origin,
          path: Exchange.targetOf(request),
          method,
          ...contentOf(request),
          headersTimeout: 0,
          bodyTimeout: 0,
          ...noRedirects
        },
        {
          onRequestStart: (started) => {
            controller = started
            // The exchange ended while it waited for a connection. Abort before anything is written.
            if (isOver) drop()
          },
          onResponseStart: (
            _,
            code,
            { "content-encoding": encoding, "content-length": length, "retry-after": wait }
          ) => {
            status = code
            codings = encoding
            retryAfter = first(wait)
            announced = Exchange.excessLength(first(length), maxBytes)
            if (announced === undefined) return
            succeed()
            drop()
          },
          onResponseData: (_, { buffer, byteLength, byteOffset }) => {
            pieces.push(new Uint8Array(buffer, byteOffset, byteLength))
            size += byteLength
            // I2: stop reading as soon as the body exceeds the limit.
            if (size <= maxBytes) return
            succeed()
            drop()
          },
          onResponseEnd: () => (codings === undefined ? succeed() : decode(String(codings))),
          onResponseError: (_, error) =>
            fail(new Transport.TransportError({ ...Exchange.toTransportError(error), phase: phase() }))
        }
      )
      return Effect.sync(() => {
        end()
        drop()
      })
    })
})

/** The options of the transport. */
export interface Options {
  /**
   * An HTTP proxy for all requests, such as `http://user:password@proxy.example:3128`. By default the variables
   * `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are used, as undici's `EnvHttpProxyAgent` reads them.
   */
  readonly proxy?: string | undefined
  /** A dispatcher of undici 8 to use instead of the default agent. The client does not close it. */
  readonly dispatcher?: Dispatcher | undefined
}

/** The names of {@link Options}, each with the names that other clients have for it. */
export const names = {
  proxy: ["proxyUrl"],
  dispatcher: ["agent"]
} satisfies Record<keyof Options, ReadonlyArray<string>>

const agentOptions = {
  // One more than the default limit of 64 requests in flight, so that a token fetch never waits for other calls.
  connections: 65,
  pipelining: 1,
  connect: { timeout: 3_000 },
  keepAliveTimeout: 10_000
} satisfies Agent.Options

/** The names of the environment variables that set a proxy. */
const proxyVariables = () =>
  ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"].filter((name) => process.env[name])

const isProxy = (text: unknown): boolean =>
  typeof text === "string" && /^https?:\/\/[^\s]+$/i.test(text) && URL.canParse(text)

// The error does not show the value, because the address of a proxy may contain a password.
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

/** Checks the options. Fails with a `QQError` that names the wrong one. */
export const check = ({ dispatcher, proxy }: Options): Effect.Effect<void, QQError> => {
  if (proxy !== undefined) return checkProxy("proxy", proxy)
  return dispatcher === undefined || typeof dispatcher?.dispatch === "function"
    ? Effect.void
    : Effect.fail(App.invalidConfig("dispatcher", "must be a dispatcher of undici", "必须是 undici 的 dispatcher"))
}

const agentFor = ({ proxy }: Options): Agent | EnvHttpProxyAgent => {
  // An explicit proxy overrides all variables of the environment.
  if (proxy !== undefined)
    return new EnvHttpProxyAgent({ ...agentOptions, httpProxy: proxy, httpsProxy: proxy, noProxy: "" })
  return proxyVariables().length > 0 ? new EnvHttpProxyAgent(agentOptions) : new Agent(agentOptions)
}

/**
 * The transport over its own agent, or over `dispatcher`. The agent keeps at most 65 connections alive, for 10
 * seconds. Connecting times out after 3 seconds. Fails with a `QQError` for a wrong option or proxy variable.
 */
export const layerWith = (options: Options): Layer.Layer<Transport.Transport, QQError> =>
  Layer.effect(
    Transport.Transport,
    Effect.gen(function* () {
      yield* check(options)
      if (options.dispatcher !== undefined) return make(options.dispatcher)
      if (options.proxy === undefined) for (const name of proxyVariables()) yield* checkProxy(name, process.env[name])
      const agent = yield* Effect.acquireRelease(
        Effect.sync(() => agentFor(options)),
        (agent) => Effect.promise(() => agent.destroy())
      )
      return make(agent)
    })
  )

/** {@link layerWith} without options. */
export const layer: Layer.Layer<Transport.Transport, QQError> = layerWith({})
