/**
 * The client. It makes a call of an endpoint, with quota, token and retries, and returns a value or fails with
 * `QQError`.
 */
import * as Clock from "effect/Clock"
import { WebCrypto } from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AccessToken from "./AccessToken.ts"
import * as App from "./App.ts"
import { Admission, countedCallOf } from "./call/admission.ts"
import * as Attempt from "./call/attempt.ts"
import * as Call from "./call/call.ts"
import * as Caller from "./call/caller.ts"
import { Progress } from "./call/progress.ts"
import { QQMini } from "./call/service.ts"
import type { Any, CallCredentials } from "./endpoint/definition.ts"
import { ImagePreparer } from "./ImagePreparer.ts"
import { Settings } from "./internal/settings.ts"
import * as Quota from "./Quota.ts"
import { StoreFailed } from "./reason/client.ts"
import { QQError } from "./reason/error.ts"
import { Observe } from "./telemetry/observe.ts"
import * as TokenCache from "./TokenCache.ts"
import { Transport } from "./Transport.ts"

export {
  /** The client service. */
  QQMini
} from "./call/service.ts"
export {
  /** The settings of a client: base URL, timeouts, retries. */
  Settings,
  /** The `waitUntil` of the runtime, for work that may continue after the response. */
  WaitUntil
} from "./internal/settings.ts"

export {
  /** Calls any other path of QQ's API. */
  request
} from "./call/otherPath.ts"
export type { OtherRequest, Requesting } from "./call/otherPath.ts"

export {
  /** A client for tests in which functions answer the calls, without HTTP. */
  layerStub,
  /** The functions of {@link layerStub}, by the name of the call. */
  type Stubs
} from "./call/stub.ts"

/** Makes the client from its parts. */
export const make = Effect.gen(function* () {
  const apps = yield* App.Apps
  const observe = yield* Observe
  const quota = observe("quota", yield* Quota.Quota)
  const settings = yield* Settings
  const imagePreparer = yield* ImagePreparer
  const callerOf = Caller.make(apps)
  const run = Call.make({
    apps,
    tokens: yield* AccessToken.AccessToken,
    admission: observe("admission", new Admission(quota, settings.maxInFlight)),
    settings,
    imagePreparer,
    attempt: observe(
      "attempt",
      Attempt.make(observe("transport", yield* Transport), settings.baseUrl, yield* WebCrypto)
    )
  })

  return QQMini.of({
    settings,
    imagePreparer,
    call: observe("call", (endpoint, input, options) =>
      Effect.withFiber((fiber) => {
        const progress = new Progress(endpoint, fiber.getRef(Clock.Clock))
        return Effect.mapError(run(progress, input, options, fiber.getRef(App.Current)), (reason) =>
          progress.error(reason)
        )
      })
    ),
    remaining: (endpoint, credentials = {}) =>
      Effect.flatMap(App.Current, (selected) =>
        Effect.flatMap(Caller.check(credentials), (checked) => callerOf(endpoint, checked, selected, settings.deadline))
      ).pipe(
        Effect.flatMap(({ appid }) =>
          Effect.mapError(
            quota.remaining(countedCallOf(endpoint, appid)),
            ({ problem }) => new StoreFailed({ operation: "quota", problem })
          )
        ),
        Effect.mapError((reason) => new QQError({ endpoint: endpoint.name, app: Caller.appidOf(credentials), reason }))
      )
  })
})

/**
 * How often an endpoint may be called right now for the program, by the client's own count of QQ's limits:
 * `QQMini.remaining(Security.msgSecCheck)`. `Infinity` if only QQ can count the calls.
 */
export const remaining = (endpoint: Any, credentials?: CallCredentials): Effect.Effect<number, QQError, QQMini> =>
  Effect.flatMap(QQMini, (client) => client.remaining(endpoint, credentials))

/** The client over services that you provide: the programs, the transport, the tokens and the quotas. */
export const layerNoDeps: Layer.Layer<QQMini, never, App.Apps | AccessToken.AccessToken | Quota.Quota | Transport> =
  Layer.effect(QQMini, make)

/** The client and its token service, over provided stores for tokens and quotas. */
export const layerStores: Layer.Layer<
  QQMini | AccessToken.AccessToken,
  never,
  App.Apps | TokenCache.TokenCache | Quota.Quota | Transport
> = layerNoDeps.pipe(Layer.provideMerge(AccessToken.layer))

/** The client and its token service, with tokens and quotas in the memory of this process. */
export const layer: Layer.Layer<QQMini | AccessToken.AccessToken, never, App.Apps | Transport> = layerStores.pipe(
  Layer.provide(TokenCache.layerMemory),
  Layer.provide(Quota.layerMemory)
)
