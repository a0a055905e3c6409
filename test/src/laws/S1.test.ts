/** S1: of an error that somebody else threw only a name known in advance is shown, whatever the error is made of. */
import { assert, describe, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as AppLookup from "@qq-mini/core/AppLookup"
import * as EncryptedTokenCache from "@qq-mini/core/EncryptedTokenCache"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as RedisQuota from "@qq-mini/core/RedisQuota"
import * as RedisTokenCache from "@qq-mini/core/RedisTokenCache"
import * as Security from "@qq-mini/core/Security"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Transport from "@qq-mini/core/Transport"
import * as DenoKvTokenCache from "@qq-mini/edge/DenoKvTokenCache"
import * as DurableObjectTokenCache from "@qq-mini/edge/DurableObjectTokenCache"
import * as FetchTransport from "@qq-mini/edge/FetchTransport"
import * as KvTokenCache from "@qq-mini/edge/KvTokenCache"
import * as UpstashStores from "@qq-mini/edge/UpstashStores"
import * as NodeTransport from "@qq-mini/node/NodeTransport"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as DatabaseTokenCache from "@qq-mini/unicloud/DatabaseTokenCache"
import * as OpenBridgeTokenCache from "@qq-mini/unicloud/OpenBridgeTokenCache"
import * as OpenDataTokenCache from "@qq-mini/unicloud/OpenDataTokenCache"
import * as PromiseTokenCache from "@qq-mini/unicloud/PromiseTokenCache"
import * as RedisStores from "@qq-mini/unicloud/RedisStores"
import { sessionKey } from "@qq-mini/unicloud/SessionKey"
import * as UniCloudTransport from "@qq-mini/unicloud/UniCloudTransport"
import * as UniConfig from "@qq-mini/unicloud/UniConfig"
import type { Database } from "@qq-mini/unicloud/UniCloud"
import * as VkTokenCache from "@qq-mini/unicloud/VkTokenCache"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import { sources } from "../support/sources.ts"
import { app } from "../support/token.ts"
import { assertNone, Seen } from "../support/seen.ts"

/** Different secrets: QQ's, one like the name of an error, one in words, and a password in capital letters only. */
const secrets = ["aB3dE5gH7jK9mN1p", "SECRET_AB12CD34", "a-secret-of-words", "TOPSECRET", "S3cretError"]

const trap = (secret: string) => () => {
  throw new Error(secret)
}

/** Errors that hold a secret, each somewhere else. */
const errors: Readonly<Record<string, (secret: string) => unknown>> = {
  "in its message": (secret) => new Error(secret),
  "at the beginning of its message": (secret) => new Error(`${secret} is wrong`),
  "in the address of its message": (secret) => new TypeError(`failed: https://api.q.qq.com/x?secret=${secret}`),
  "in its code": (secret) => Object.assign(new Error("x"), { code: secret, errCode: secret }),
  "in its name": (secret) => Object.assign(new Error("x"), { name: secret }),
  "in the name of its class": (secret) => new { [secret]: class extends Error {} }[secret]!("x"),
  "in SQLite's text": (secret) => Object.assign(new Error("x"), { errcode: 1, errstr: secret }),
  "in its fields": (secret) =>
    Object.assign(new Error("x"), { config: { url: secret }, syscall: secret, path: secret }),
  "in its stack": (secret) => Object.assign(new Error("x"), { stack: secret }),
  "in its cause": (secret) => new Error("x", { cause: Object.assign(new Error(secret), { code: secret }) }),
  "in its errors": (secret) => new AggregateError([Object.assign(new Error(secret), { code: secret })], "x"),
  "in what its socket said": (secret) => Object.assign(new Error("x"), { socketError: new Error(`${secret} x`) }),
  "in getters that throw": (secret) =>
    Object.defineProperties(
      new Error("x"),
      Object.fromEntries(
        ["code", "name", "message", "errCode", "errMsg", "errstr", "cause", "errors", "config", "syscall"].map(
          (name) => [name, { get: trap(secret) }]
        )
      )
    ),
  "behind a known name, for the second who asks": (secret) => {
    let asked = 0
    return Object.defineProperty(new Error("x"), "code", { get: () => (asked++ === 0 ? "ECONNRESET" : secret) })
  },
  "in a Proxy that can't be looked at": (secret) =>
    new Proxy(new Error(secret), {
      get: trap(secret),
      getPrototypeOf: trap(secret),
      ownKeys: trap(secret),
      has: trap(secret)
    }),
  "in a text": (secret) => `${secret} is wrong`,
  "in a plain object": (secret) => ({ errMsg: secret, errCode: secret, code: secret, message: secret })
}

type Failing = (error: unknown) => Promise<never>
const reject: Failing = (error) => Promise.reject(error)
const throwing = (error: unknown): never => {
  throw error
}

/** A call over this transport. */
const callOver = <E>(transport: Layer.Layer<Transport.Transport, E>) =>
  Security.msgSecCheck({ content: "x", access_token: "t" }, { attempts: 1 }).pipe(
    Effect.provide(
      QQMini.layer.pipe(
        Layer.provide(Layer.orDie(transport)),
        Layer.provide(Layer.orDie(Sandbox.layerApps)),
        Layer.provide(Sandbox.layerPlatform())
      )
    )
  )

const dispatcher = (dispatch: (handler: any) => unknown): Layer.Layer<Transport.Transport> =>
  Layer.succeed(
    Transport.Transport,
    NodeTransport.make({ dispatch: (_: unknown, handler: unknown) => dispatch(handler) } as any)
  )

/** Transports whose client fails with an error. */
const transports: Readonly<Record<string, (error: unknown) => Layer.Layer<Transport.Transport>>> = {
  fetch: (error) => FetchTransport.layer(() => reject(error)),
  "a fetch that throws": (error) => FetchTransport.layer(() => throwing(error)),
  "a body of fetch": (error) =>
    FetchTransport.layer(() =>
      Promise.resolve({
        status: 200,
        headers: new Headers(),
        arrayBuffer: () => reject(error),
        body: { getReader: () => ({ read: () => reject(error), cancel: () => reject(error) }) }
      } as any)
    ),
  undici: (error) => dispatcher((handler) => handler.onResponseError(undefined, error)),
  "an undici that throws": (error) => dispatcher(() => throwing(error)),
  urllib: (error) => UniCloudTransport.layerHttpclient({ request: () => reject(error) }),
  "uniCloud.request": (error) => UniCloudTransport.layerRequest(() => reject(error)),
  "an HttpClient": (error) =>
    Transport.layerHttpClient.pipe(
      Layer.provide(
        Layer.succeed(
          HttpClient.HttpClient,
          HttpClient.make((request) =>
            Effect.fail(
              new HttpClientError.HttpClientError({
                reason: new HttpClientError.TransportError({ request, cause: error })
              })
            )
          )
        )
      )
    ),
  "an HttpClient that dies": (error) =>
    Transport.layerHttpClient.pipe(
      Layer.provide(
        Layer.succeed(
          HttpClient.HttpClient,
          HttpClient.make(() => Effect.die(error))
        )
      )
    )
}

const redisFailing = (error: unknown) =>
  RedisTokenCache.layerEval(() => Effect.suspend(() => Effect.fail(new Redis.RedisError({ cause: error }))))

const databaseFailing = (error: unknown): Database => ({
  collection: () => ({
    add: () => reject(error),
    doc: () => ({ get: () => reject(error) }),
    where: () => ({ updateAndReturn: () => reject(error), remove: () => reject(error) })
  })
})

const kvFailing = (error: unknown): KvTokenCache.Namespace => ({
  get: () => reject(error),
  put: () => reject(error),
  delete: () => reject(error)
})

const objectFailing = (error: unknown): DurableObjectTokenCache.Namespace => ({
  idFromName: String,
  get: () => ({ fetch: () => reject(error) })
})

const upstashFailing = (error: unknown) =>
  UpstashStores.layer({ url: "https://name.upstash.io", token: "t", fetch: () => reject(error) })

/** Stores whose client fails with an error. */
const stores: Readonly<Record<string, (error: unknown) => Layer.Layer<TokenCache.TokenCache, unknown>>> = {
  Redis: (error) => RedisTokenCache.layer().pipe(Layer.provide(redisFailing(error))),
  "Redis over HTTP": upstashFailing,
  "an answer of Redis over HTTP": (error) =>
    UpstashStores.layer({
      url: "https://name.upstash.io",
      token: "t",
      fetch: async () =>
        new Response(JSON.stringify({ error: typeof error === "string" ? error : "x" }), { status: 400 })
    }),
  "a Durable Object": (error) => DurableObjectTokenCache.layer(objectFailing(error)),
  "KV before a Durable Object": (error) =>
    KvTokenCache.layer(kvFailing(error), DurableObjectTokenCache.layer(objectFailing(error))),
  "Deno KV": (error) => DenoKvTokenCache.layer({ get: () => reject(error), atomic: () => throwing(error) }),
  "uniCloud's database": (error) => DatabaseTokenCache.layer(databaseFailing(error)),
  "opendb-open-data": (error) => OpenDataTokenCache.layer(databaseFailing(error)),
  "vk-global-data": (error) => VkTokenCache.layer(databaseFailing(error)),
  "two functions of an app": (error) =>
    Layer.succeed(
      TokenCache.TokenCache,
      PromiseTokenCache.createTokenStore({ read: () => reject(error), replace: () => reject(error) })
    ),
  "uniCloud's Redis": (error) => RedisStores.layer(() => ({ eval: () => reject(error) })),
  "a uniCloud without Redis": (error) => RedisStores.layer(() => throwing(error)),
  "an encrypted store": (error) =>
    EncryptedTokenCache.layer(RedisTokenCache.layer().pipe(Layer.provide(redisFailing(error))), new Uint8Array(32))
}

const key = `${app.appid}:x`

/** All that a store does, one after the other. */
const useStore = Effect.gen(function* () {
  const cache = yield* TokenCache.TokenCache
  const exits: ReadonlyArray<Exit.Exit<unknown, unknown>> = yield* Effect.all([
    Effect.exit(cache.read(key)),
    Effect.exit(cache.lease(key, { owner: "o", generation: 0, ttl: 1_000 })),
    Effect.exit(
      cache.write(key, { owner: "o", generation: 0, token: Redacted.make("t"), ttl: 7_200_000, history: "" })
    ),
    Effect.exit(cache.remove(key, { generation: 0 })),
    Effect.exit(cache.release(key, { owner: "o" }))
  ])
  for (const exit of exits) assert.isFalse(Exit.isFailure(exit) && Cause.hasDies(exit.cause), "a defect came out")
  return exits
})

const counted: Quota.CountedCall = {
  key: "x",
  limits: [{ max: 1, window: "minute", scope: "app", enforcedBy: "client" }]
}

/** Runs with every secret in every error, and looks at all that comes out. */
const holdsNone = (run: (error: unknown) => Effect.Effect<unknown, unknown>) =>
  Effect.forEach(
    secrets.flatMap((secret) => Object.entries(errors).map(([where, make]) => [where, secret, make] as const)),
    ([where, secret, make]) =>
      Effect.gen(function* () {
        const seen = new Seen()
        const exit = yield* seen.run(Effect.suspend(() => run(make(secret))) as Effect.Effect<unknown, never>)
        seen.add(exit)
        if (Exit.isFailure(exit)) assert.isFalse(Cause.hasDies(exit.cause), `a defect came out: ${where}`)
        assertNone(seen.text(), [secret])
      }),
    { discard: true }
  )

describe("S1: a secret in an error does not come out of", () => {
  for (const [name, layer] of Object.entries(transports)) {
    it.live(name, () => holdsNone((error) => callOver(layer(error))))
  }

  for (const [name, layer] of Object.entries(stores)) {
    it.live(name, () => holdsNone((error) => Effect.scoped(Effect.provide(useStore, layer(error)))))
  }

  it.live("uni-open-bridge-common", () =>
    holdsNone((error) => {
      const bridge: OpenBridgeTokenCache.OpenBridge = {
        getAccessToken: () => reject(error),
        setAccessToken: () => reject(error),
        removeAccessToken: () => reject(error)
      }
      const empty: Database = {
        collection: () => ({
          add: () => Promise.resolve({}),
          doc: () => ({ get: () => Promise.resolve({ data: [] }) }),
          where: () => ({ updateAndReturn: () => Promise.resolve({}), remove: () => Promise.resolve({}) })
        })
      }
      return Effect.scoped(
        Effect.provide(
          useStore,
          OpenBridgeTokenCache.layer(empty, bridge, () => "__UNI__1")
        )
      )
    })
  )

  it.live("a session key of uniCloud", () =>
    holdsNone((error) => sessionKey(databaseFailing(error), { appid: "1", openid: "2" }))
  )

  it.live("a quota in Redis", () =>
    holdsNone((error) =>
      Effect.scoped(
        Effect.provide(
          Effect.flatMap(Quota.Quota, (quota) => Effect.exit(quota.reserve({ ...counted, maxWait: 0, ttl: 1_000 }))),
          RedisQuota.layer().pipe(Layer.provide(redisFailing(error)))
        )
      )
    )
  )

  it.live("a listener of token events", () =>
    holdsNone((error) =>
      Effect.scoped(
        Effect.gen(function* () {
          const tokens = yield* AccessToken.AccessToken
          yield* tokens.listen(() => throwing(error))
          yield* tokens.get(app, 10_000)
        }).pipe(Effect.provide(Sandbox.layer))
      )
    )
  )

  it.live("uni-config-center", () =>
    holdsNone((error) =>
      Effect.flatMap(
        UniConfig.make({ configCenter: () => ({ config: () => undefined, requireFile: () => throwing(error) }) }),
        (apps) => apps.credentials(undefined)
      ).pipe(Effect.scoped)
    )
  )

  it.live("a function that looks up AppSecrets", () =>
    holdsNone((error) =>
      Effect.forEach([() => throwing(error), () => reject(error), () => Effect.fail(error)], (failing) => {
        // the first time it gives the secret, so that the second error is in a log alone
        let asked = 0
        const lookup = () => (asked++ === 0 ? app.appsecret : failing())
        return Effect.gen(function* () {
          const fails = yield* AppLookup.make(failing)
          yield* Effect.flip(fails.credentials(app.appid))
          const { credentials, replacement } = yield* AppLookup.make(lookup)
          assert.isUndefined(yield* replacement!(yield* credentials(app.appid)))
        }).pipe(Effect.scoped)
      })
    )
  )
})

/** Ways to read an error that nobody knows the type of. */
const extractors: ReadonlyArray<RegExp> = [
  /\b(error|cause|defect|thrown)\?\./,
  /\b(error|cause|defect|thrown)\b as (any\b|\{|(Type)?Error\b|NodeJS|Record|Readonly<)/,
  /\b(error|cause|defect|thrown): (any\b|\{|NodeJS|Record|Readonly<)/,
  /\b(error|cause|defect|thrown) instanceof (Type)?Error\b/,
  /" in (error|cause|defect|thrown)\b/,
  /\bString\((error|cause|defect|thrown)\)/,
  /\$\{(error|cause|defect|thrown)\}/,
  /\.constructor\.name\b/,
  // An error by another name would not be found by the patterns above.
  /\bcatch: (async )?\((?!(error|cause)?\))/,
  /\bcatch \((?!(error|cause)\))/,
  /\bcatchDefect\((?!\(defect\)|$)/
]

const extracts = (line: string) => extractors.some((pattern) => pattern.test(line))

describe("S1: nobody else reads foreign errors", () => {
  it("the patterns find what they are for, and nothing else", () => {
    for (const line of [
      'const name = [error?.code, error?.name].find((one) => typeof one === "string")',
      "problem: cause instanceof Error ? cause.message : undefined",
      "const code = (cause as NodeJS.ErrnoException).code",
      "const problemOf = (error: any): string => error.code",
      "new Error(`can't listen: ${(cause as Error).message}`)",
      "catch: ({ code, config }: any) => {",
      "} catch (e) {",
      "} catch (error: any) {",
      "(error.cause as { readonly config?: InvalidConfig } | undefined)?.config",
      "`it failed: ${error}`",
      "cause.constructor.name"
    ]) {
      assert.isTrue(extracts(line), line)
    }
    for (const line of [
      "Effect.logWarning(`tokens are kept in memory: ${error.message}`)",
      "catch: (error) => new TokenCacheError({ operation, problem: shown(error, redis) })",
      "catch: () => failed(unreachable)",
      "} catch (cause) {",
      "if (error.isRetryable) return again"
    ]) {
      assert.isFalse(extracts(line), line)
    }
  })

  it("in no package", async () => {
    const found = (await sources())
      .filter(({ file }) => !file.endsWith("core/src/internal/shown.ts"))
      .flatMap(({ file, lines }) => lines.filter(({ text }) => extracts(text)).map((line) => ({ file, ...line })))
    assert.deepStrictEqual(found, [])
  })
})
