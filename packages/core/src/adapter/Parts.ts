/**
 * Builds a client from the parts of an adapter and the parts that an app provides instead. An app provides its parts in
 * the same forms on every adapter.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as AccessToken from "../AccessToken.ts"
import * as App from "../App.ts"
import type * as EncryptedTokenCache from "../EncryptedTokenCache.ts"
import { ImagePreparer } from "../ImagePreparer.ts"
import type { Settings } from "../internal/settings.ts"
import * as QQMini from "../QQMini.ts"
import * as Quota from "../Quota.ts"
import type { QQError } from "../reason/error.ts"
import { TokenCache } from "../TokenCache.ts"
import { Transport } from "../Transport.ts"

/**
 * A store provided by an app: a layer, which may also provide `Quota`, or an object with the methods of `TokenCache`.
 */
export type StoreOption = Layer.Layer<TokenCache, QQError> | TokenCache["Service"]

/** A transport provided by an app: a layer, or an object with the method `send` of `Transport`. */
export type TransportOption = Layer.Layer<Transport, QQError> | Transport["Service"]

/** A function that wraps the client service. */
export type TransformClient = (client: QQMini.QQMini["Service"]) => QQMini.QQMini["Service"]

/** A function that is called with every token event. */
export type OnTokenEvent = (event: AccessToken.TokenEvent) => void

/** The parts that an app may provide. `Name` is the type of the store names that an adapter accepts. */
export interface Parts<Name = never> {
  /**
   * Where the token is stored: the name of a store, or a store of your own. Your own store is a layer of `TokenCache`,
   * which may also provide `Quota`, or an object with the methods of `TokenCache`.
   */
  readonly store?: Name | StoreOption | undefined
  /**
   * Replaces the adapter's own HTTP transport: a layer of `Transport`, such as `Transport.layerHttpClient` over your
   * client, or an object with the method `send`. It must not retry requests.
   */
  readonly transport?: TransportOption | undefined
  /** Wraps the client: takes the service that makes all calls, and returns the service to use instead. */
  readonly transformClient?: TransformClient | undefined
  /** Called with every token event, for logs and metrics. */
  readonly onTokenEvent?: OnTokenEvent | undefined
  /**
   * Prepares pictures for `imgSecCheck({ media, prepare: true })`: a function that gets a picture and QQ's limits, and
   * returns one or several pictures that QQ takes.
   */
  readonly imagePreparer?: ImagePreparer | undefined
  /** The key that encrypts the token in the store: 32 bytes, as a `Uint8Array`, in base64 or in hexadecimal digits. */
  readonly tokenKey?: EncryptedTokenCache.EncryptionKey | undefined
}

/** The names of {@link Parts}, each with the names that other clients have for it. */
export const names = {
  store: ["cache"],
  transport: [],
  transformClient: [],
  onTokenEvent: [],
  imagePreparer: [],
  tokenKey: []
} satisfies Record<keyof Parts, ReadonlyArray<string>>

/** The parts of an adapter. */
export interface Adapter {
  /** The checked settings. */
  readonly settings: Effect.Effect<Settings, QQError>
  /** The registry of programs. */
  readonly apps: Layer.Layer<App.Apps, QQError>
  /** The HTTP transport of the runtime. */
  readonly transport: Layer.Layer<Transport, QQError>
  /** Prepares pictures, unless the app provides a preparer. */
  readonly imagePreparer?: ImagePreparer | undefined
  /** Wraps the transport, also one provided by an app. For facades that need QQ's raw answers. */
  readonly wrapTransport?: ((transport: Transport["Service"]) => Transport["Service"]) | undefined
  /** Finds a store by its name. `undefined` is the default store. Returns `undefined` for unknown names. */
  readonly storeByName: (name: unknown) => Layer.Layer<TokenCache, QQError> | undefined
  /** The names of the stores, for the error of an unknown name. */
  readonly storeNames: ReadonlyArray<string>
  /** The name of the setting `store` in errors. By default `store`. */
  readonly storeSetting?: string
  /** The name of the setting `tokenKey` in errors. By default `tokenKey`. */
  readonly keySetting?: string
  /** The module `EncryptedTokenCache`. An adapter omits it where there is no `tokenKey`, to keep bundles small. */
  readonly encryption?: typeof EncryptedTokenCache | undefined
}

/** Checks that these options are functions or `undefined`. Fails with a `QQError` that names the first other one. */
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

/** Turns an app's part into a layer. Returns `undefined` if it is neither a layer nor an object with these methods. */
const layerOfPart = <I, S>(
  tag: Context.Key<I, S>,
  part: unknown,
  methods: ReadonlyArray<string>,
  wrong: QQError
): Layer.Layer<I, QQError> | undefined => {
  if (!Layer.isLayer(part)) return hasMethods(part, methods) ? Layer.succeed(tag, part as S) : undefined
  // Only when a layer is built does it show whether it provides the service.
  const service = Effect.flatMap(Effect.serviceOption(tag), (found) =>
    Option.isSome(found) && hasMethods(found.value, methods) ? Effect.succeed(found.value) : Effect.fail(wrong)
  )
  return Layer.provideMerge(Layer.effect(tag, service), part as unknown as Layer.Layer<I, QQError>)
}

/** The error of a wrong part. `names` are the store names that the adapter accepts. */
const wrongPart = (
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

const wrongClient = () =>
  App.invalidConfig(
    "transformClient",
    "must give a client, with the methods call and remaining",
    "必须返回具有方法 call 和 remaining 的客户端"
  )

const storeMethods = ["read", "lease", "write", "remove", "release"]
const transportMethods = ["send"]

/** The store from the options, with quotas in memory unless the store provides quotas. */
const storesOf = Effect.fnUntraced(function* (
  { store, tokenKey }: Parts<unknown>,
  { encryption, keySetting, storeByName, storeNames, storeSetting = "store" }: Adapter
): Effect.fn.Return<Layer.Layer<TokenCache | Quota.Quota, QQError>, QQError> {
  const wrong = wrongPart(storeSetting, "TokenCache", storeMethods, storeNames)
  const tokens = layerOfPart(TokenCache, store, storeMethods, wrong) ?? storeByName(store)
  if (tokens === undefined) return yield* wrong
  // Layer.merge keeps the right-hand service: the quotas of a store replace those in memory.
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
 * Makes the layer of the client and its token service. Fails with a `QQError` if an option is invalid. Errors that show
 * only when the layer is built are errors of the layer.
 */
export const make = Effect.fnUntraced(function* (
  options: Parts<unknown>,
  adapter: Adapter
): Effect.fn.Return<Layer.Layer<QQMini.QQMini | AccessToken.AccessToken, QQError>, QQError> {
  const { imagePreparer = adapter.imagePreparer, onTokenEvent, transformClient, transport } = options
  const settings = yield* adapter.settings
  yield* checkFunctions({ onTokenEvent, transformClient, imagePreparer })
  const stores = yield* storesOf(options, adapter)
  const wrong = wrongPart("transport", "Transport", transportMethods)
  const http = transport === undefined ? adapter.transport : layerOfPart(Transport, transport, transportMethods, wrong)
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
      return hasMethods(other, ["call", "remaining"])
        ? Effect.succeed(
            QQMini.QQMini.of({
              ...client,
              call: (...args) => other.call(...args),
              remaining: (...args) => other.remaining(...args)
            })
          )
        : Effect.fail(wrongClient())
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
    Layer.provide(Layer.succeed(ImagePreparer, imagePreparer)),
    Layer.provide(Layer.succeed(QQMini.Settings, settings))
  )
})
