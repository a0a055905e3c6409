/**
 * Handlers of QQ's requests for servers of `effect/http`:
 *
 * ```ts
 * HttpRouter.add("POST", "/paid", PushHttp.payNotification({ handle: ({ bill_no, amt }) => markPaid(bill_no, amt) }))
 * ```
 */
import * as Effect from "effect/Effect"
import * as ByteSize from "effect/ByteSize"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Apps } from "./App.ts"
import { maxBytes } from "./Push.ts"
import * as PushHandler from "./PushHandler.ts"
import type { PushStore } from "./PushStore.ts"

/** Answers the current request. A body that is too large, or can't be read, counts as empty. */
const respond = <R>(answer: (received: PushHandler.Received) => Effect.Effect<PushHandler.Answer, never, R>) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const body = yield* Effect.orElseSucceed(
      Effect.provideService(request.arrayBuffer, HttpServerRequest.MaxBodySize, ByteSize.fromInputUnsafe(maxBytes)),
      () => new ArrayBuffer()
    )
    // Within a router `url` is shortened by the prefix of its routes. QQ signs the whole path.
    const path = request.originalUrl.replace(/^\w+:\/\/[^/]*/, "").replace(/[?#].*$/, "")
    const { body: text, status } = yield* answer({ method: request.method, path, body: new Uint8Array(body) })
    return HttpServerResponse.text(text, { status, contentType: "application/json" })
  })

/**
 * Answers a payment notification, as `PushHandler.payNotification` does. The store is the `PushStore` of the context, as
 * `PushStore.layerMemory`.
 */
export const payNotification = <E, R>(
  options: PushHandler.PayOptions<E, R>
): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  never,
  Apps | PushStore | R | HttpServerRequest.HttpServerRequest
> => respond((received) => PushHandler.payNotification(options, received))

/** Answers a push, as `PushHandler.push` does. No signature of pushes is documented: do not trust one alone. */
export const push = <E, R>(
  options: PushHandler.PushOptions<E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, PushStore | R | HttpServerRequest.HttpServerRequest> =>
  respond((received) => PushHandler.push(options, received))
