/**
 * HTTP over a runtime's `fetch`, without redirects and caches. If the caller is interrupted, the request and the body
 * of its answer are aborted, so that no unread data stays on the connection.
 */
import * as Exchange from "@qq-mini/core/adapter/exchange"
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

/** The part of `fetch` that the transport uses. */
export type Fetch = (input: string, init: RequestInit) => Promise<Response>

// Some frameworks cache the answers of `fetch`, and a token from a cache may be an old one. Workers before November
// 2024 do not support the option `cache`, but have no such cache either.
let noStore: { readonly cache: "no-store" } | undefined | null = null
/** The `fetch` option that disables the cache, or `undefined` if the runtime does not support it. */
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

/** I2: reads a body to its end, or until it exceeds `maxBytes`. */
const read = async (
  response: Response,
  length: string | null,
  maxBytes: number,
  signal: AbortSignal
): Promise<Uint8Array> => {
  const { body, headers } = response
  // A body with a small announced length needs no limit while it is read, unless it is compressed.
  if (Number(length ?? Infinity) <= maxBytes && headers.get("content-encoding") === null) {
    return new Uint8Array(await response.arrayBuffer())
  }
  const pieces: Array<Uint8Array> = []
  let size = 0
  const reader = body?.getReader()
  // An app's own `fetch` may ignore the signal.
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

/** Prevents a runtime's own `fetch` from retrying requests. */
interface NoRetry {
  readonly init: (method: string) => object
  readonly close: () => void
}

// D1: the Fetch standard allows `fetch` to repeat a request if its kept-alive connection breaks, although QQ may have
// executed it. Deno 2 does this for all methods, which would send a message twice. Bun 1 does it for GET. Neither
// repeats on a new connection.
const makeNoRetry = (): NoRetry => {
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

/** Makes a transport over `fetch`, by default the global one. */
export const make = (fetch?: Fetch): Effect.Effect<Transport.Transport["Service"], never, Scope.Scope> =>
  Effect.gen(function* () {
    let noRetry: NoRetry | undefined
    yield* Effect.addFinalizer(() => Effect.sync(() => noRetry?.close()))

    const exchange = async (request: Transport.Request, signal: AbortSignal): Promise<Transport.Response> => {
      const { atMostOnce, headers, maxBytes, method, origin } = request
      const body = Exchange.wholeOf(request.body)
      // Looked up for each request, because it may be replaced. Called without `this`, because some runtimes require
      // that.
      const send: Fetch = fetch ?? globalThis.fetch
      const response = await send(origin + Exchange.targetOf(request), {
        method,
        headers,
        ...(body === undefined ? undefined : { body: body as string | Uint8Array<ArrayBuffer> }),
        ...uncached(),
        ...(atMostOnce ? (noRetry ??= makeNoRetry()).init(method) : undefined),
        redirect: "manual",
        signal
      })
      const { headers: got, status } = response
      const length = got.get("content-length")
      const announced = Exchange.excessLength(length, maxBytes)
      const bytes = await read(response, length, announced === undefined ? maxBytes : -1, signal)
      return { status, retryAfter: got.get("retry-after"), announced, bytes }
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

/**
 * The transport over `fetch`, by default the global one. A `fetch` that does not wrap the runtime's must not retry.
 */
export const layer = (fetch?: Fetch): Layer.Layer<Transport.Transport> => Layer.effect(Transport.Transport, make(fetch))
