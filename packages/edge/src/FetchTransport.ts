/**
 * HTTP over a runtime's `fetch`: bytes both ways, no redirects and no cache. A request that nobody waits for any more is
 * aborted, its answer's body with it, and so nothing of it is left on the connection. What fetch throws may hold the whole URL, and so the secret: of it only the names go
 * on.
 */
import * as BufferedResponse from "@qq-mini/core/BufferedResponse"
import { AtMostOnce } from "@qq-mini/core/QQMini"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"

/** What is used of `fetch`. */
export type Fetch = (input: string, init: RequestInit) => Promise<Response>

// Deno tells only in words that no connection was made
const unconnected = /client error \(Connect\)/

/** An error by its names and its causes' alone. */
const outline = (error: any, depth = 0): object | undefined => {
  if (typeof error !== "object" || error === null || depth > 4) return undefined
  const { cause, code, errors, message, name, syscall } = error
  if (unconnected.test(String(message))) {
    return { code: /dns error/.test(message) ? "ENOTFOUND" : "ECONNREFUSED", syscall: "connect" }
  }
  return {
    name,
    code,
    syscall,
    cause: outline(cause, depth + 1),
    errors: Array.isArray(errors) ? errors.slice(0, 16).map((one) => outline(one, depth + 1)) : undefined
  }
}

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

// no answer of QQ's is larger; of one that is, so much is enough to tell
const largest = 8 * 1024 * 1024 + 1

/** The bytes of a body, to its end or to what is too much of it. */
const read = async ({ body }: Response, signal: AbortSignal): Promise<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  const reader = body?.getReader()
  // a `fetch` that was given may know nothing of the signal
  const leave = () => void reader?.cancel().catch(() => {})
  if (signal.aborted) leave()
  signal.addEventListener("abort", leave)
  while (size < largest) {
    const part = await reader?.read()
    if (part?.value === undefined) break
    chunks.push(part.value)
    size += part.value.length
  }
  leave()
  return BufferedResponse.join(chunks)
}

/** What keeps a runtime's own `fetch` from repeating a request by itself. */
interface Unrepeated {
  readonly init: (method: string) => object
  readonly close: () => void
}

// The standard lets `fetch` repeat a request whose kept connection breaks, though it may have been done already. Deno 2
// does so with all, which sends a message twice, and Bun 1 with GETs; neither on a connection that was never used before.
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

/** An HTTP client over the global `fetch`, or another. It reads answers to their end before it gives them. */
export const make = (fetch?: Fetch): Effect.Effect<HttpClient.HttpClient, never, Scope.Scope> =>
  Effect.gen(function* () {
    let lone: Unrepeated | undefined
    yield* Effect.addFinalizer(() => Effect.sync(() => lone?.close()))

    const exchange = async (
      request: HttpClientRequest.HttpClientRequest,
      once: boolean,
      signal: AbortSignal
    ): Promise<HttpClientResponse> => {
      // its length is told by fetch itself; one that is given is refused by some
      const { body, headers: given, method } = request
      const { "content-length": _, ...headers } = given
      // looked up with each request, as it may be replaced; and called by itself, because some take no other `this`
      const send: Fetch = fetch ?? globalThis.fetch
      const response = await send(Option.getOrThrow(HttpClientRequest.toUrl(request)).href, {
        method,
        headers,
        ...(body._tag === "Uint8Array" ? { body: body.body as Uint8Array<ArrayBuffer> } : undefined),
        ...uncached(),
        ...(once ? (lone ??= unrepeated()).init(method) : undefined),
        redirect: "manual",
        signal
      })
      const bytes = await read(response, signal)
      const retryAfter = response.headers.get("retry-after")
      return BufferedResponse.make(request, { status: response.status, bytes, retryAfter })
    }

    // not `HttpClient.make`: its spans are switched off for QQ's calls, and with them it is 1 KB more in every bundle
    return HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
      Effect.flatMap((request) =>
        Effect.flatMap(AtMostOnce, (once) =>
          Effect.tryPromise({
            try: (signal) => exchange(request, once, signal),
            catch: (error) =>
              new HttpClientError.HttpClientError({
                reason: new HttpClientError.TransportError({ request, cause: outline(error) })
              })
          })
        )
      ),
      Effect.succeed
    )
  })

/** HTTP over the global `fetch`, or another. One that is no wrapper of the runtime's own must not repeat requests by itself. */
export const layer = (fetch?: Fetch): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(HttpClient.HttpClient, make(fetch))
