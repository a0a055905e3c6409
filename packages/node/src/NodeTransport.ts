/**
 * HTTP on Node: a {@link Transport} straight on undici's dispatcher, without the streams and promises of its `request`.
 */
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent, type Dispatcher } from "undici"

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
        if (end()) resume(Effect.succeed({ status, retryAfter, announced, bytes: Transport.join(pieces) }))
      }
      const fail = (error: Transport.TransportError) => {
        if (end()) resume(Effect.fail(error))
      }
      // After a turn in which the process heard nothing, timers run before the answers that are there already.
      const timer = setTimeout(
        () =>
          setImmediate(() => {
            fail(Transport.timedOut(phase()))
            drop()
          }),
        timeout
      )

      dispatcher.dispatch(
        // The timeouts of undici are off: `timeout` covers them all.
        {
          origin,
          path: Transport.targetOf(request),
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
            announced = Transport.tooLong(first(length), maxBytes)
            if (announced === undefined) return
            succeed()
            drop()
          },
          onResponseData: (_, { buffer, byteLength, byteOffset }) => {
            pieces.push(new Uint8Array(buffer, byteOffset, byteLength))
            size += byteLength
            if (size <= maxBytes) return
            succeed()
            drop()
          },
          onResponseEnd: succeed,
          onResponseError: (_, error) =>
            fail(new Transport.TransportError({ ...Transport.failed(error), phase: phase() }))
        }
      )
      return Effect.sync(() => {
        end()
        drop()
      })
    })
})

/** How undici's agent is made. */
const agentOptions = {
  /** One more than the calls on their way by default, so that a call for a token never waits behind them. */
  connections: 65,
  pipelining: 1,
  connect: { timeout: 3_000 },
  keepAliveTimeout: 10_000
} satisfies Agent.Options

/**
 * The transport over an agent of its own: connections are kept alive, and there are no more than 65. Connecting may take 3
 * seconds.
 */
export const layer: Layer.Layer<Transport.Transport> = Layer.effect(
  Transport.Transport,
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Agent(agentOptions)),
      (agent) => Effect.promise(() => agent.destroy())
    ),
    make
  )
)
