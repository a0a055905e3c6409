/** What tests of the token's life start from: calls that need a token, the count of getToken calls, and layers. */
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { first, template_id } from "./calls.ts"

/** The credentials of the sandbox's first program. */
export const app = { appid: first.appid, appsecret: App.redact(first.appsecret) }

/** Where a store keeps the token of `app`. */
export const slotKey = AccessToken.keyOf(app, QQMini.Settings.defaultValue().baseUrl)

/** A call that needs a token and may be repeated. */
export const check = Security.msgSecCheck({ content: "x" })

/** A call that needs a token and must not be repeated. */
export const messageTo = (touser: string) =>
  SubscribeMessage.send({ touser, template_id, data: { keyword1: { value: "x" } } })

/** The generation that the store gave a token; `undefined` for one that was fetched without the store. */
export const generationOf = ({ origin }: AccessToken.Token): number | undefined =>
  origin._tag === "Stored" ? origin.generation : undefined

/** A token as it travels. */
export const valueOf = ({ value }: AccessToken.Token): string => Redacted.value(value)

/** How often getToken was called. */
export const fetches = Effect.flatMap(Sandbox.Sandbox, (sandbox) => sandbox.count("auth.getAccessToken"))

/** Waits until getToken was called this often. */
export const untilFetched = (times: number) =>
  Effect.repeat(Effect.andThen(Effect.yieldNow, fetches), { until: (count) => count >= times })

/** Starts to listen; the array grows with every event of the tokens. */
export const recordEvents = Effect.gen(function* () {
  const seen: Array<AccessToken.TokenEvent> = []
  yield* Effect.forkChild(
    Stream.runForEach(AccessToken.events, (event) => Effect.sync(() => seen.push(event))),
    { startImmediately: true }
  )
  return seen
})

/** A sandbox that ends the old token as soon as a new one is fetched. QQ honours it for 5 minutes more. */
export const noGrace = { switches: { oldTokenGrace: 0 } }

/** The sandbox, and an HTTP client that reaches it. */
export const platform = Sandbox.layerTransport.pipe(Layer.provideMerge(Sandbox.layerPlatform()))

/** The token service without the calls, with its store in reach. */
export const tokensOnly = AccessToken.layer.pipe(
  Layer.provideMerge(TokenCache.layerMemory),
  Layer.provideMerge(platform)
)

/** Everything that clients share, for several of them on one store. */
export const oneStore = Layer.mergeAll(TokenCache.layerMemory, Quota.layerMemory, Sandbox.layerApps).pipe(
  Layer.provideMerge(platform)
)

/** One more client of the stores that are provided, with nothing in its memory: another process, as it were. */
export const newClient = Layer.build(Layer.fresh(QQMini.layerStores))
