/** Our clients: as Effects and as promises, through each transport. The quota is counted, and so large that it never fills. */
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import * as Auth from "@qq-mini/core/Auth"
import * as Promised from "@qq-mini/core/Promise"
import type { QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import * as TokenCache from "@qq-mini/core/TokenCache"
import type { Transport as TransportService } from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { withLimits } from "../../../test/src/support/limits.ts"
import { appid, appsecret, content, image, type Load, promises, type Start } from "../subject.ts"

type Http = Layer.Layer<TransportService, QQError>

// each is loaded by who uses it alone, so that memory can be compared
const transports = {
  node: async (): Promise<Http> => (await import("@qq-mini/node/NodeTransport")).layer,
  httpClient: async (): Promise<Http> => {
    const { layerHttpClient } = await import("@qq-mini/core/Transport")
    return Layer.provide(layerHttpClient, (await import("@effect/platform-node/NodeHttpClient")).layerUndici)
  },
  fetch: async (): Promise<Http> => (await import("@qq-mini/edge/FetchTransport")).layer(),
  unicloud: async (): Promise<Http> => {
    const { layerHttpclient } = await import("@qq-mini/unicloud/UniCloudTransport")
    return layerHttpclient((await import("urllib")).default as any)
  }
}

/** The names of the transports. */
export type Transport = keyof typeof transports

/** The client over HTTP, with stores in memory. */
export const layerOver = (url: string, http: Http) =>
  QQMini.layerStores.pipe(
    Layer.provide(
      Layer.effect(
        Quota.Quota,
        Effect.map(Quota.Quota, (quota) =>
          withLimits(quota, (limits) => limits.map((limit) => ({ ...limit, max: 1_000_000_000 })))
        )
      )
    ),
    Layer.provide(Layer.merge(TokenCache.layerMemory, Quota.layerMemory)),
    Layer.provideMerge(App.layer({ appid, appsecret })),
    Layer.provide(http),
    Layer.provide(Layer.succeed(QQMini.Settings, { ...QQMini.Settings.defaultValue(), baseUrl: url }))
  )

/** The client on this transport. */
export const layer = async (url: string, transport: Transport) => layerOver(url, await transports[transport]())

/** A load of Effects, in one run. */
const effects =
  <E, R>(
    call: () => Effect.Effect<unknown, E, R>,
    run: (effect: Effect.Effect<unknown, E, R>) => Promise<unknown>
  ): Load =>
  async (count, atOnce, seen) => {
    let left = count
    const one = Effect.gen(function* () {
      while (left-- > 0) {
        const start = performance.now()
        yield* call()
        seen(performance.now() - start)
      }
    })
    await run(
      Effect.all(
        Array.from({ length: atOnce }, () => one),
        { concurrency: "unbounded", discard: true }
      )
    )
  }

/** As Effects. */
export const asEffects =
  (transport: Transport): Start =>
  async (url) => {
    const runtime = ManagedRuntime.make(await layer(url, transport))
    const run = runtime.runPromise as any
    const { app, tokens } = await run(
      Effect.all({
        app: Effect.flatMap(App.Apps, (apps) => apps.credentials(undefined)),
        tokens: AccessToken.AccessToken
      })
    )
    return {
      text: effects(() => Security.msgSecCheck({ content }), run),
      image: effects(() => Security.imgSecCheck({ media: image }), run),
      token: effects(() => Auth.getAccessToken(), run),
      service: effects(() => tokens.get(app, 1_000), run)
    }
  }

/** As promises. */
export const asPromises =
  (transport: Transport): Start =>
  async (url) => {
    const qq = Promised.make(await layer(url, transport))
    return {
      text: promises(() => qq.security.msgSecCheck({ content })),
      image: promises(() => qq.security.imgSecCheck({ media: image })),
      token: promises(() => qq.auth.getAccessToken())
    }
  }
