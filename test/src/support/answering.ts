/** Clients that get the answer that a test wants. */
import * as App from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import { forgetful } from "./calls.ts"

const token = '{"access_token":"TOKEN","expires_in":7200}'

/** A client whose every call but getToken is answered like this, whatever the status and type. */
export const answering = (body: string | Uint8Array, status = 200, type = "application/json", more: HeadersInit = {}) =>
  QQMini.layerStores.pipe(
    Layer.provide(forgetful),
    Layer.provide(Transport.layerHttpClient),
    Layer.provide(
      Layer.succeed(
        HttpClient.HttpClient,
        HttpClient.make((request, url) =>
          Effect.succeed(
            HttpClientResponse.fromWeb(
              request,
              url.pathname === "/api/getToken"
                ? new Response(token)
                : new Response(body as string, { status, headers: { "content-type": type, ...more } })
            )
          )
        )
      )
    ),
    Layer.provide(App.layer({ appid: "1112345678", appsecret: "S" }))
  )

/** What a call gives, or the name of the reason for which it fails. */
export const tag = <A, R>(effect: Effect.Effect<A, QQError, R>) =>
  Effect.match(effect, { onSuccess: (value): unknown => value, onFailure: (error) => error.reason._tag })
