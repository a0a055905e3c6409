/** The app's own HTTP client: by way of the proxy of the environment, and with a log of its requests. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { EnvHttpProxyAgent } from "undici"

const dispatcher = Layer.effect(
  NodeHttpClient.Dispatcher,
  Effect.acquireRelease(
    Effect.sync(() => new EnvHttpProxyAgent()), // HTTP_PROXY, HTTPS_PROXY, NO_PROXY
    (agent) => Effect.promise(() => agent.destroy())
  )
)

const logged = HttpClient.tapRequest(({ method, url }) =>
  // QQ's tokens are in `urlParams`, and not in this `url`.
  Effect.logInfo(`${method} ${url}`)
)

export const layer = Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, logged)).pipe(
  Layer.provide(NodeHttpClient.layerUndiciNoDispatcher),
  Layer.provide(dispatcher)
)
