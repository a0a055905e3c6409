/**
 * HTTP over a runtime's `fetch`: bytes both ways, no redirects and no cache. A request that nobody waits for any more is
 * aborted, and the body of its answer with it, so that nothing of it is left on the connection.
 */
import * as Exchange from "@qq-mini/core/adapter/exchange"
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

/** What is used of `fetch`. */
export type Fetch = (input: string, init: RequestInit) => Promise<Response>

// Some frameworks put a cache of their own before `fetch`, and a token from a cache is an old one. Workers of before
// November 2024 know no such option, and no such cache.
let noStore: { readonly cache: "no-store" } | undefined | null = null
/** The option that keeps an answer out of such caches, where the runtime knows it. */
export const uncached = (): { readonly cache?: "no-store" } | undefined => {
  if (noStore !== null) return noStore
  try {
    void new Request("https://api.q.qq.com", { cache: "no-store" })
    noStore = { cache: "no-store" }
  } catch {
    noStore = undefined
  }
  return noStore
}

/** I2: the bytes of a body, to its end or to what is too much of it. */
const read = async (
  response: Response,
  length: string | null,
  maxBytes: number,
  signal: AbortSignal
): Promise<Uint8Array> => {
  const { body, headers } = response
  // An answer that tells a small length need not be watched; compressed it may still grow.
  if (Number(length ?? Infinity) <= maxBytes && headers.get("content-encoding") === null) {
    return new Uint8Array(await response.arrayBuffer())
  }
  const pieces: Array<Uint8Array> = []
  let size = 0
  const reader = body?.getReader()
  // a `fetch` that was given may know nothing of the signal
  const leave = () => void reader?.cancel().catch(() => {})
  if (signal.aborted) leave()
  signal.addEventListener("abort", leave)
  while (size <= maxBytes) {
    const part = await reader?.read()
    if (part?.value === undefined) break
    pieces.push(part.value)
    size += part.value.length
  }
  leave()
  return Exchange.join(pieces)
}

/** What keeps a runtime's own `fetch` from repeating a request by itself. */
interface Unrepeated {
  readonly init: (method: string) => object
  readonly close: () => void
}

// D1: the standard lets `fetch` repeat a request whose kept connection breaks, though it may have been done already.
// Deno 2 does so with all, which sends a message twice, and Bun 1 with GETs; neither on a connection that was never used
// before.
const unrepeated = (): Unrepeated => {
  const { Bun, Deno } = globalThis as any
  if (typeof Deno?.createHttpClient === "function") {
    const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 })
    return { init: () => ({ client }), close: () => client.close() }
  }
  return {
    init: (method) => (Bun !== undefined && method === "GET" ? { keepalive: false } : {}),
    close: () => {}
  }
}

/** A transport over the global `fetch`, or another. */
export const make = (fetch?: Fetch): Effect.Effect<Transport.Transport["Service"], never, Scope.Scope> =>
  Effect.gen(function* () {
    let lone: Unrepeated | undefined
    yield* Effect.addFinalizer(() => Effect.sync(() => lone?.close()))

    const exchange = async (request: Transport.Request, signal: AbortSignal): Promise<Transport.Response> => {
      const { atMostOnce, body, headers, maxBytes, method, origin } = request
      // looked up with each request, as it may be replaced; and called by itself, because some take no other `this`
      const send: Fetch = fetch ?? globalThis.fetch
      const response = await send(origin + Exchange.targetOf(request), {
        method,
        headers,
        ...(body === undefined ? undefined : { body: body as string | Uint8Array<ArrayBuffer> }),
        ...uncached(),
        ...(atMostOnce ? (lone ??= unrepeated()).init(method) : undefined),
        redirect: "manual",
        signal
      })
      const { headers: got, status } = response
      const length = got.get("content-length")
      const announced = Exchange.tooLong(length, maxBytes)
      const bytes = await read(response, length, announced === undefined ? maxBytes : -1, signal)
      return { status, retryAfter: status === 200 ? null : got.get("retry-after"), announced, bytes }
    }

    return Transport.Transport.of({
      send: (request) =>
        Effect.callback((resume) => {
          const controller = new AbortController()
          const timer = setTimeout(() => {
            resume(Effect.fail(Exchange.timedOut("lost")))
            controller.abort()
          }, request.timeout)
          Exchange.settle(exchange(request, controller.signal), (end) => {
            clearTimeout(timer)
            resume(end)
          })
          return Effect.sync(() => {
            clearTimeout(timer)
            controller.abort()
          })
        })
    })
  })

/** The transport over the global `fetch`, or another. One that is no wrapper of the runtime's own must not repeat requests by itself. */
export const layer = (fetch?: Fetch): Layer.Layer<Transport.Transport> => Layer.effect(Transport.Transport, make(fetch))
