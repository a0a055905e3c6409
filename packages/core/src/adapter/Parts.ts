/**
 * Puts a client together from an adapter's parts and those that an app brings in their place. The forms in which an app may
 * bring them are the same on every adapter.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as AccessToken from "../AccessToken.ts"
import * as App from "../App.ts"
import type * as EncryptedTokenCache from "../EncryptedTokenCache.ts"
import type { Settings } from "../internal/settings.ts"
import * as QQMini from "../QQMini.ts"
import * as Quota from "../Quota.ts"
import type { QQError } from "../reason/error.ts"
import { TokenCache } from "../TokenCache.ts"
import { Transport } from "../Transport.ts"

/** A store of an app's own: a layer, which may bring a `Quota` too, or an object with the methods of `TokenCache`. */
export type OwnStore = Layer.Layer<TokenCache, QQError> | TokenCache["Service"]

/** A way to QQ of an app's own: a layer, or an object with the method `send` of `Transport`. */
export type OwnTransport = Layer.Layer<Transport, QQError> | Transport["Service"]

/** Makes another client service from ours. */
export type TransformClient = (client: QQMini.QQMini["Service"]) => QQMini.QQMini["Service"]

/** A function that hears what happens to the tokens. */
export type OnTokenEvent = (event: AccessToken.TokenEvent) => void

/** The parts that an app may bring itself. `Name` is the type of the names that an adapter has for its stores. */
export interface Parts<Name = never> {
  /**
   * Where the token is kept, and who shares it: a store by its name, or your own, as a layer (`Layer<TokenCache>`, or with a
   * `Quota`) or as an object with the methods of `TokenCache`.
   */
  readonly store?: Name | OwnStore | undefined
  /**
   * Sends in the place of the adapter's own HTTP: a layer (`Layer<Transport>`, as `Transport.layerHttpClient` over your
   * client), or an object with the method `send`. It must not repeat requests by itself.
   */
  readonly transport?: OwnTransport | undefined
  /** Wraps the client: it gets the service that makes all calls, and gives the one to use instead. */
  readonly transformClient?: TransformClient | undefined
  /** Hears what happens to the tokens, for logs and metrics. */
  readonly onTokenEvent?: OnTokenEvent | undefined
  /** Encrypts the token in the store: 32 bytes, as they are, in base64 or in hexadecimal digits. */
  readonly tokenKey?: EncryptedTokenCache.EncryptionKey | undefined
}

/** An adapter's own parts. */
export interface Adapter {
  /** The checked settings. */
  readonly settings: Effect.Effect<Settings, QQError>
  /** The programs. */
  readonly apps: Layer.Layer<App.Apps, QQError>
  /** HTTP of the runtime. */
  readonly transport: Layer.Layer<Transport, QQError>
  /** Wraps the transport, also an app's own, as facades do that need QQ's answers as they came. */
  readonly wrapTransport?: ((transport: Transport["Service"]) => Transport["Service"]) | undefined
  /** A store by its name, or the default one for `undefined`. Gives nothing for other values. */
  readonly storeByName: (name: unknown) => Layer.Layer<TokenCache, QQError> | undefined
  /** The names of its stores, as its error lists them. */
  readonly storeNames: ReadonlyArray<string>
  /** What the settings are called in errors. By default `store` and `tokenKey`. */
  readonly storeSetting?: string
  readonly keySetting?: string
  /** The module `EncryptedTokenCache`. An adapter whose size counts leaves it out where nobody gives a `tokenKey`. */
  readonly encryption?: typeof EncryptedTokenCache | undefined
}

/** Fails for the first of these options that is given and is no function. */
export const checkFunctions = (options: object): Effect.Effect<void, QQError> => {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && typeof value !== "function") {
      return Effect.fail(App.invalidConfig(name, "must be a function", "必须是函数"))
    }
  }
  return Effect.void
}

const hasMethods = (u: unknown, methods: ReadonlyArray<string>): boolean =>
  typeof u === "object" && u !== null && methods.every((name) => typeof Reflect.get(u, name) === "function")

/** An app's own part as a layer, or nothing when it is neither a layer nor an object with these methods. */
const ownPart = <I, S>(
  tag: Context.Key<I, S>,
  part: unknown,
  methods: ReadonlyArray<string>,
  wrong: QQError
): Layer.Layer<I, QQError> | undefined => {
  if (!Layer.isLayer(part)) return hasMethods(part, methods) ? Layer.succeed(tag, part as S) : undefined
  // Whether a layer brings the service is seen when it is built.
  const service = Effect.flatMap(Effect.serviceOption(tag), (found) =>
    Option.isSome(found) && hasMethods(found.value, methods) ? Effect.succeed(found.value) : Effect.fail(wrong)
  )
  return Layer.provideMerge(Layer.effect(tag, service), part as unknown as Layer.Layer<I, QQError>)
}

/** The error of a wrong part. `names` are those that the adapter knows. */
const noPart = (
  setting: string,
  service: string,
  methods: ReadonlyArray<string>,
  names: ReadonlyArray<string> = []
): QQError =>
  App.invalidConfig(
    setting,
    `must be ${[...names, `a layer of ${service}`].join(", ")}, or an object with its methods (${methods.join(", ")})`,
    `必须是 ${[...names, `${service} 的 layer`].join("、")}，或具有其方法（${methods.join("、")}）的对象`
  )

const noClient = () =>
  App.invalidConfig(
    "transformClient",
    "must give a client, with the methods call and left",
    "必须返回具有方法 call 和 left 的客户端"
  )

const storeMethods = ["read", "lease", "write", "remove", "release"]
const transportMethods = ["send"]

/** The stores that are asked for: the app's own or one of the adapter's, and quotas in memory unless it brings those. */
const storesOf = Effect.fnUntraced(function* (
  { store, tokenKey }: Parts<unknown>,
  { encryption, keySetting, storeByName, storeNames, storeSetting = "store" }: Adapter
): Effect.fn.Return<Layer.Layer<TokenCache | Quota.Quota, QQError>, QQError> {
  const wrong = noPart(storeSetting, "TokenCache", storeMethods, storeNames)
  const tokens = ownPart(TokenCache, store, storeMethods, wrong) ?? storeByName(store)
  if (tokens === undefined) return yield* wrong
  // Layer.merge keeps the right-hand service: a store may bring quotas of its own.
  const stores = Layer.merge(Quota.layerMemory, tokens)
  if (tokenKey === undefined) return stores
  if (encryption === undefined) {
    return yield* App.invalidConfig(
      "tokenKey",
      "is an option of createQQMini; for a layer, wrap the store: EncryptedTokenCache.layer(store, key)",
      "只是 createQQMini 的选项；使用 layer 时请包装存储：EncryptedTokenCache.layer(store, key)"
    )
  }
  yield* encryption.check(tokenKey, keySetting)
  // Layer.merge keeps the right-hand service: the encrypted store replaces the plain one.
  return Layer.merge(stores, encryption.layer(stores, tokenKey, keySetting))
})

/**
 * The client over its parts, and the service of its tokens, as a layer that is not built yet. Fails for whatever can be
 * seen to be wrong without building it.
 */
export const make = Effect.fnUntraced(function* (
  options: Parts<unknown>,
  adapter: Adapter
): Effect.fn.Return<Layer.Layer<QQMini.QQMini | AccessToken.AccessToken, QQError>, QQError> {
  const { onTokenEvent, transformClient, transport } = options
  const settings = yield* adapter.settings
  yield* checkFunctions({ onTokenEvent, transformClient })
  const stores = yield* storesOf(options, adapter)
  const wrong = noPart("transport", "Transport", transportMethods)
  const http = transport === undefined ? adapter.transport : ownPart(Transport, transport, transportMethods, wrong)
  if (http === undefined) return yield* wrong
  const { wrapTransport } = adapter

  let client: Layer.Layer<
    QQMini.QQMini | AccessToken.AccessToken,
    QQError,
    Layer.Services<typeof QQMini.layerStores>
  > = QQMini.layerStores
  if (transformClient !== undefined) {
    const transformed = Effect.flatMap(QQMini.QQMini, (client) => {
      const other = transformClient(client)
      return hasMethods(other, ["call", "left"]) ? Effect.succeed(other) : Effect.fail(noClient())
    })
    client = Layer.provideMerge(Layer.effect(QQMini.QQMini, transformed), client)
  }
  if (onTokenEvent !== undefined) {
    const listening = Effect.flatMap(AccessToken.AccessToken, ({ listen }) => listen(onTokenEvent))
    client = Layer.provideMerge(Layer.effectDiscard(listening), client)
  }
  return client.pipe(
    Layer.provide(stores),
    Layer.provide(adapter.apps),
    Layer.provide(
      wrapTransport === undefined
        ? http
        : Layer.effect(Transport, Effect.map(Transport, wrapTransport)).pipe(Layer.provide(http))
    ),
    Layer.provide(Layer.succeed(QQMini.Settings, settings))
  )
})
