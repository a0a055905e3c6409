/**
 * qq-mini on runtimes with `fetch`: Cloudflare Workers, Deno, Bun, Vercel's and Next's edge functions, and whatever else
 * has it. Its layer, and `createQQMini` for plain handlers.
 */
import type { AccessToken } from "@qq-mini/core/AccessToken"
import * as Parts from "@qq-mini/core/adapter/Parts"
import * as Setup from "@qq-mini/core/adapter/Setup"
import * as App from "@qq-mini/core/App"
import * as EncryptedTokenCache from "@qq-mini/core/EncryptedTokenCache"
import * as Promised from "@qq-mini/core/Promise"
import type { QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as FetchTransport from "./FetchTransport.ts"
import * as Environment from "./internal/environment.ts"

/** Which programs, where the token is kept, and how the client works. */
export interface Options extends Setup.Programs, Setup.SettingsInput, Parts.Parts {
  /**
   * Variables, for what the options do not say: `QQ_APPID` and `QQ_APPSECRET`, `QQ_APPS` (several programs, as JSON), and
   * `QQ_BASE_URL`. On Workers `env`, on Deno `Deno.env.toObject()`, elsewhere `process.env`.
   */
  readonly env?: Environment.Env | undefined
  /**
   * Where the token is kept, and who shares it: the layer of a store, as `DurableObjectTokenCache.layer(env.QQ_TOKENS)`, or a
   * store of your own, as a layer or an object with the methods of `TokenCache`. By default the memory of this process or
   * isolate, which shares it with nobody.
   */
  readonly store?: Parts.OwnStore | undefined
  /** By default the global one. Hand `init` on as it is; one that is no wrapper of that must not repeat requests by itself. */
  readonly fetch?: FetchTransport.Fetch | undefined
  /**
   * Takes what may go on after an answer, as the `waitUntil` that `cloudflare:workers` exports; for the `ctx` of one
   * request there is `qq.with(ctx)`. It is given fetches of the token: no visitor waits for a renewal ahead of its end then,
   * and one that a visitor waits for comes to its end though the visitor leaves.
   */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined
  /**
   * Whether one request may wait for what another began (`shared`), or each is by itself (`apart`), since the runtime may
   * end one's work while others go on. By default `apart` on Workers and Vercel's edge, `shared` elsewhere.
   */
  readonly requests?: "shared" | "apart" | undefined
}

const forgetsRequests = (): boolean =>
  globalThis.navigator?.userAgent === "Cloudflare-Workers" || "EdgeRuntime" in globalThis

const requestsOf = ({ requests = forgetsRequests() ? "apart" : "shared" }: Options) => requests

const settings = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<typeof QQMini.Settings.Service, QQError> {
  const requests = requestsOf(options)
  if (requests !== "apart" && requests !== "shared") {
    return yield* App.invalidConfig("requests", "must be shared or apart", "必须是 shared 或 apart")
  }
  const { env = {}, fetch, waitUntil } = options
  yield* Parts.checkFunctions({ fetch, waitUntil })
  return yield* Environment.settings(
    env,
    options,
    requests === "apart"
      ? // No request waits for another's turn either: the runtime itself lets only so many out at once.
        { runs: "request", maxInFlight: Infinity }
      : undefined
  )
})

const programs = (options: Options): Effect.Effect<App.AppsOptions, QQError> => {
  const { appid, apps, appsecret, env } = options
  return env === undefined || appid !== undefined || appsecret !== undefined || apps !== undefined
    ? Setup.programs(options)
    : Environment.programs(env)
}

// There are many isolates, and each ends the others' tokens.
const layerMemory: Layer.Layer<TokenCache.TokenCache> = Layer.effect(
  TokenCache.TokenCache,
  Effect.gen(function* () {
    if ((yield* QQMini.Settings).runs === "request") {
      yield* Effect.logWarning("tokens are kept in this isolate alone: give a store, as durableObject(env.QQ_TOKENS)")
    }
    return yield* TokenCache.makeMemory
  })
)

const make = (options: Options, encryption?: Parts.Adapter["encryption"]) =>
  Effect.map(
    Parts.make(options, {
      settings: settings(options),
      apps: Layer.effect(App.Apps, Effect.flatMap(programs(options), App.make)),
      transport: FetchTransport.layer(options.fetch),
      storeByName: (name) => (name === undefined ? layerMemory : undefined),
      storeNames: ["durableObject(env.QQ_TOKENS)"],
      encryption
    }),
    Layer.merge(Layer.succeed(QQMini.WaitUntil, options.waitUntil))
  )

/**
 * The client for these programs, and the service of its tokens. It needs nothing else, and building it sends nothing. To
 * encrypt the token, wrap the store: `EncryptedTokenCache.layer(store, key)`.
 *
 * Give what runs a request on Workers the request's `signal` (`enable_request_signal` in `wrangler.jsonc`): a `ManagedRuntime`
 * keeps what it runs until that ends, and there nothing of a visitor who left ever does.
 */
export const layer = (options: Omit<Options, "tokenKey">): Layer.Layer<QQMini.QQMini | AccessToken, QQError> =>
  Layer.unwrap(make(options))

/**
 * The client for plain handlers: every call as a promise. Make it once, outside the handler: nothing is sent before the
 * first call. Options that can't be right throw a `QQError` here.
 *
 * ```ts
 * import { env } from "cloudflare:workers"
 * const qq = createQQMini({ env, store: durableObject(env.QQ_TOKENS) })
 *
 * export { QQTokens } from "@qq-mini/edge"
 * export default {
 *   fetch: async (request, env, ctx) =>
 *     Response.json(await qq.with(ctx).security.msgSecCheck({ content: await request.text() }, { signal: request.signal }))
 * }
 * ```
 */
export const createQQMini = (options: Options = {}): Promised.RequestClient => {
  const client = Effect.runSync(make(options, EncryptedTokenCache))
  Effect.runSync(Effect.flatMap(programs(options), App.make))
  return Promised.make(client, { forgetful: requestsOf(options) === "apart" })
}
