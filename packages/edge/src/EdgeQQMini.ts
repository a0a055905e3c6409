/**
 * qq-mini on runtimes with `fetch`, such as Cloudflare Workers, Deno, Bun, and the edge functions of Vercel and Next: a
 * layer, and `createQQMini` for handlers without Effect.
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
import type * as Scope from "effect/Scope"
import * as FetchTransport from "./FetchTransport.ts"
import * as Environment from "./internal/environment.ts"

/** The options of the client on edge runtimes: programs, store and settings. */
export interface Options extends Setup.Programs, Setup.SettingsInput, Parts.Parts<"memory"> {
  /**
   * Variables with defaults for the options: `QQ_APPID` and `QQ_APPSECRET`, `QQ_APPS` (several programs as JSON), and
   * `QQ_BASE_URL`. Pass `env` on Workers, `Deno.env.toObject()` on Deno, and `process.env` elsewhere.
   */
  readonly env?: Environment.Env | undefined
  /**
   * Where the token is stored: the layer of a store, such as `DurableObjectTokenCache.layer(env.QQ_TOKENS)`, or a store
   * of your own, as a layer or an object with the methods of `TokenCache`. By default the memory of this process or
   * isolate, which other processes and isolates do not share. `memory` is the same without a warning, for tests.
   */
  readonly store?: "memory" | Parts.StoreOption | undefined
  /**
   * The `fetch` function. By default the global one. A wrapper must pass `init` on unchanged. Another implementation
   * must not retry requests.
   */
  readonly fetch?: FetchTransport.Fetch | undefined
  /**
   * The runtime's `waitUntil`, for work that continues after the response, such as the one that `cloudflare:workers`
   * exports. For the `ctx` of one request use `qq.with(ctx)`. It gets the token fetches. So no visitor waits for the
   * renewal of a valid token, and a fetch completes even if the visitor disconnects.
   */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined
  /**
   * How the runtime lives. `process`: a request may wait for a token fetch that another request started. `request`: each
   * request makes its own, because the runtime may drop one request while others go on. By default `request` on Workers
   * and Vercel's edge, `process` elsewhere.
   */
  readonly runs?: "process" | "request" | undefined
  /** What observes the client: `Telemetry.layer`, or `PromiseTelemetry.layer({ telemetry: { api } })`. */
  readonly telemetry?: Layer.Layer<never> | undefined
}

const names = {
  ...Setup.names,
  ...Parts.names,
  env: [],
  fetch: [],
  waitUntil: [],
  runs: [],
  telemetry: []
} satisfies Record<keyof Options, ReadonlyArray<string>>

const runtimeDropsRequests = (): boolean =>
  globalThis.navigator?.userAgent === "Cloudflare-Workers" || "EdgeRuntime" in globalThis

const runsOf = ({ runs = runtimeDropsRequests() ? "request" : "process" }: Options) => runs

const settings = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<typeof QQMini.Settings.Service, QQError> {
  const runs = runsOf(options)
  if (runs !== "request" && runs !== "process") {
    return yield* App.invalidConfig("runs", "must be process or request", "必须是 process 或 request")
  }
  const { env = {}, fetch, waitUntil } = options
  yield* Parts.checkFunctions({ fetch, waitUntil })
  return yield* Environment.settings(
    env,
    options,
    runs === "request"
      ? // No request waits for another request's turn. The runtime itself limits the requests in flight.
        { runs, maxInFlight: Infinity }
      : undefined
  )
})

const registry = (options: Options): Effect.Effect<App.Apps["Service"], QQError, Scope.Scope> => {
  const { appid, apps, appsecret, env } = options
  return env === undefined || appid !== undefined || appsecret !== undefined || apps !== undefined
    ? Setup.registry(options)
    : Effect.flatMap(Environment.programs(env), App.make)
}

// The default store. On Workers it logs a warning: there are many isolates, and each would invalidate the others'
// tokens.
const layerMemory: Layer.Layer<TokenCache.TokenCache> = Layer.effect(
  TokenCache.TokenCache,
  Effect.gen(function* () {
    if ((yield* QQMini.Settings).runs === "request") {
      yield* Effect.logWarning("tokens are kept in this isolate alone: give a store, as durableObject(env.QQ_TOKENS)")
    }
    return yield* TokenCache.makeMemory
  })
)

const notALayer = Effect.fail(
  App.invalidConfig(
    "telemetry",
    "must be a layer, as PromiseTelemetry.layer({ telemetry: { api } })",
    "必须是 layer，如 PromiseTelemetry.layer({ telemetry: { api } })"
  )
)

const make = Effect.fnUntraced(function* (options: Options, encryption?: Parts.Adapter["encryption"]) {
  yield* Setup.checkNames(options, names)
  yield* Environment.check(options.env)
  const client = yield* Parts.make(options, {
    settings: settings(options),
    apps: Layer.effect(App.Apps, registry(options)),
    transport: FetchTransport.layer(options.fetch),
    storeByName: (name) => (name === undefined ? layerMemory : name === "memory" ? TokenCache.layerMemory : undefined),
    storeNames: ["durableObject(env.QQ_TOKENS)", "memory"],
    encryption
  })
  const { telemetry = Layer.empty as Layer.Layer<never>, waitUntil } = options
  if (!Layer.isLayer(telemetry as unknown)) return yield* notALayer
  return Layer.provideMerge(Layer.merge(client, Layer.succeed(QQMini.WaitUntil, waitUntil)), telemetry)
})

/**
 * The client and its token service, as a layer without requirements. Building it sends nothing. Fails with a `QQError`
 * for a wrong option. To encrypt the token, wrap the store: `EncryptedTokenCache.layer(store, key)`.
 *
 * On Workers, run each request's effect with the request's `signal` (set `enable_request_signal` in `wrangler.jsonc`).
 * A `ManagedRuntime` keeps every effect in memory until it ends, and on Workers the effects of a visitor who
 * disconnected never end without the signal.
 */
export const layer = (options: Omit<Options, "tokenKey">): Layer.Layer<QQMini.QQMini | AccessToken, QQError> =>
  Layer.unwrap(make(options))

/**
 * Makes the client for handlers without Effect: every call returns a promise. Make it once, outside the handler.
 * Nothing is sent before the first call. A wrong option throws a `QQError` here.
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
  Effect.runSync(Effect.scoped(registry(options)))
  return Promised.make(client, { dropsCalls: runsOf(options) === "request" })
}
