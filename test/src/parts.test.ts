/** Parts that an app brings itself: each kind of each part, on every adapter. */
import type { AccessToken } from "@qq-mini/core/AccessToken"
import type { Parts } from "@qq-mini/core/adapter/Parts"
import type { PromiseClient } from "@qq-mini/core/Promise"
import { isQQError, type QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Transport from "@qq-mini/core/Transport"
import * as Edge from "@qq-mini/edge/EdgeQQMini"
import * as Node from "@qq-mini/node/NodeQQMini"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as UniCloud from "@qq-mini/unicloud/UniCloudQQMini"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import { afterAll, assert, beforeAll, beforeEach, describe, it } from "vitest"
import { first } from "./support/calls.ts"
import { makeUniCloud } from "./unicloud/unicloud.ts"

type Own = Parts & { readonly baseUrl?: string }

interface Adapter {
  readonly create: (options: Own) => PromiseClient
  readonly layer: (options: Own) => Layer.Layer<QQMini.QQMini | AccessToken, QQError>
}

const program = { appid: first.appid, appsecret: first.appsecret }
const uniCloud = makeUniCloud()

const adapters: Readonly<Record<string, Adapter>> = {
  Node: {
    create: (options) => Node.createQQMini({ store: "memory", ...program, ...options }),
    layer: (options) => Node.layer({ store: "memory", ...program, ...options })
  },
  edge: {
    create: (options) => Edge.createQQMini({ ...program, ...options }),
    layer: (options) => Edge.layer({ ...program, ...options })
  },
  uniCloud: {
    create: (options) => UniCloud.createQQMini({ store: "memory", uniCloud, ...program, ...options }),
    layer: (options) => UniCloud.layer({ store: "memory", uniCloud, ...program, ...options })
  }
}

const tokenKey = Buffer.alloc(32, 7).toString("base64")

/** A store in memory, and the tokens that were written into it. */
const recorded = () => {
  const memory = Effect.runSync(TokenCache.makeMemory)
  const tokens: Array<string> = []
  const store: TokenCache.TokenCache["Service"] = {
    ...memory,
    write: (key, options) => {
      tokens.push(Redacted.value(options.token))
      return memory.write(key, options)
    }
  }
  return { store, tokens }
}

/** A store that only works as the instance it is. */
class OwnStore {
  readonly #memory = Effect.runSync(TokenCache.makeMemory)
  readonly tokens: Array<string> = []
  read(key: string) {
    return this.#memory.read(key)
  }
  lease(...args: Parameters<TokenCache.TokenCache["Service"]["lease"]>) {
    return this.#memory.lease(...args)
  }
  write(...[key, options]: Parameters<TokenCache.TokenCache["Service"]["write"]>) {
    this.tokens.push(Redacted.value(options.token))
    return this.#memory.write(key, options)
  }
  remove(...args: Parameters<TokenCache.TokenCache["Service"]["remove"]>) {
    return this.#memory.remove(...args)
  }
  release(...args: Parameters<TokenCache.TokenCache["Service"]["release"]>) {
    return this.#memory.release(...args)
  }
}

const toFetch = Transport.layerHttpClient.pipe(Layer.provide(FetchHttpClient.layer))

describe.each(Object.entries(adapters))("%s", (_, { create, layer }) => {
  let sandbox: SandboxServer.Running
  beforeAll(async () => {
    sandbox = await SandboxServer.start()
  })
  afterAll(() => sandbox.close())
  beforeEach(() => sandbox.run((platform) => platform.clearLog))

  const passed = { risky: false }
  /** The answer to a check by a client with these parts, and its token. */
  const checkWith = async (parts: Own) => {
    await using qq = create({ baseUrl: sandbox.url, ...parts })
    assert.deepStrictEqual(await qq.security.msgSecCheck({ content: "x" }), passed)
    return await qq.auth.getAccessToken()
  }
  const fetches = () => sandbox.run((platform) => platform.count("auth.getAccessToken"))

  describe("store", () => {
    it("an object: it gets the token, and a second client finds it there", async () => {
      const { store, tokens } = recorded()
      const token = await checkWith({ store })
      assert.deepStrictEqual(tokens, [token])
      assert.strictEqual(await checkWith({ store }), token)
      assert.strictEqual(await fetches(), 1)
    })

    it("an instance of a class, also encrypted", async () => {
      const store = new OwnStore()
      const token = await checkWith({ store })
      assert.deepStrictEqual(store.tokens, [token])
      const sealed = new OwnStore()
      const other = await checkWith({ store: sealed, tokenKey })
      assert.strictEqual(sealed.tokens.length, 1)
      assert.notInclude(sealed.tokens[0], other)
    })

    it("a layer", async () => {
      const { store, tokens } = recorded()
      const token = await checkWith({ store: Layer.succeed(TokenCache.TokenCache, store) })
      assert.deepStrictEqual(tokens, [token])
    })

    it("a layer that brings quotas too, also encrypted", async () => {
      const { store, tokens } = recorded()
      const memory = Effect.runSync(Quota.makeMemory)
      let reserved = 0
      const quota = Quota.Quota.of({
        ...memory,
        reserve: (options) => {
          reserved++
          return memory.reserve(options)
        }
      })
      const both = Layer.merge(Layer.succeed(TokenCache.TokenCache, store), Layer.succeed(Quota.Quota, quota))
      const token = await checkWith({ store: both })
      assert.deepStrictEqual([tokens, reserved], [[token], 1])
      await checkWith({ store: both, tokenKey })
      assert.strictEqual(reserved, 2)
    })
  })

  it("S1: tokenKey: the store sees no token, and whoever has the key reads it", async () => {
    const { store, tokens } = recorded()
    const token = await checkWith({ store, tokenKey })
    assert.notInclude(tokens.join(), token)
    assert.strictEqual(await checkWith({ store, tokenKey: Buffer.alloc(32, 7).toString("hex") }), token)
    assert.strictEqual(await fetches(), 1)
  })

  describe("transport", () => {
    it("an object", async () => {
      const sent: Array<string> = []
      const { send } = Effect.runSync(Effect.provide(Transport.Transport, toFetch))
      const transport: Transport.Transport["Service"] = {
        send: (request) => {
          sent.push(request.path)
          return send(request)
        }
      }
      await checkWith({ transport })
      assert.deepStrictEqual(sent, ["/api/getToken", "/api/json/security/MsgSecCheck"])
    })

    it("a layer: the sandbox within the process", async () => {
      const transport = Sandbox.layerTransport.pipe(Layer.provide(Sandbox.layerPlatform()))
      assert.isNotEmpty(await checkWith({ transport, baseUrl: "http://nowhere.invalid" }))
      assert.strictEqual(await fetches(), 0)
    })
  })

  it("transformClient: wraps every call", async () => {
    const called: Array<string> = []
    await checkWith({
      transformClient: (client) => ({
        ...client,
        call: (endpoint, input, options) => {
          called.push(endpoint.name)
          return client.call(endpoint, input, options)
        }
      })
    })
    assert.deepStrictEqual(called, ["security.msgSecCheck", "auth.getAccessToken"])
  })

  it("onTokenEvent: hears of the token", async () => {
    const events: Array<string> = []
    await checkWith({ onTokenEvent: ({ _tag }) => events.push(_tag) })
    assert.deepStrictEqual(events, ["Fetched"])
  })

  it("all of them as a layer", async () => {
    const { store, tokens } = recorded()
    const heard: Array<string> = []
    const runtime = ManagedRuntime.make(
      layer({
        baseUrl: sandbox.url,
        store,
        transport: toFetch,
        transformClient: (client) => ({
          ...client,
          call: (endpoint, ...rest) => {
            heard.push(endpoint.name)
            return client.call(endpoint, ...rest)
          }
        }),
        onTokenEvent: ({ _tag }) => heard.push(_tag)
      })
    )
    assert.deepStrictEqual(await runtime.runPromise(Security.msgSecCheck({ content: "x" })), passed)
    await runtime.dispose()
    assert.deepStrictEqual(heard, ["security.msgSecCheck", "Fetched"])
    assert.strictEqual(tokens.length, 1)
  })

  const noRelease = { ...recorded().store, release: undefined }
  const noService = Quota.layerMemory as Layer.Layer<never>
  const wrong: ReadonlyArray<readonly [what: string, parts: object, setting: RegExp, fix: RegExp]> = [
    ["a store of another name", { store: "mongo" }, /^store/, /TokenCache.*read.+lease.+write.+remove.+release/],
    ["a store that is a number", { store: 5 }, /^store/, /TokenCache/],
    ["a store that is null", { store: null }, /^store/, /TokenCache/],
    ["a store that lacks a method", { store: noRelease }, /^store/, /TokenCache/],
    ["a store that is the effect that makes one", { store: TokenCache.makeMemory }, /^store/, /TokenCache/],
    ["a layer without a store", { store: noService }, /^store/, /TokenCache/],
    ["a transport that is none", { transport: {} }, /^transport$/, /Transport.*send/],
    ["a transport that is null", { transport: null }, /^transport$/, /Transport/],
    ["a function as transport", { transport: fetch }, /^transport$/, /Transport/],
    ["a layer without a transport", { transport: noService }, /^transport$/, /Transport/],
    ["a transformClient that is none", { transformClient: {} }, /^transformClient$/, /function|函数/],
    ["a transformClient that gives none", { transformClient: () => undefined }, /^transformClient$/, /call.*remaining/],
    ["an onTokenEvent that is none", { onTokenEvent: "log" }, /^onTokenEvent$/, /function|函数/],
    ["a tokenKey that is too short", { tokenKey: "c2hvcnQ=" }, /^tokenKey/, /32 (bytes|字节)/]
  ]
  it.each(wrong)("refuses %s before anything is sent", async (_, parts, setting, fix) => {
    const error: unknown = await (async () => checkWith(parts))().catch((error: unknown) => error)
    if (!isQQError(error) || error.reason._tag !== "InvalidConfig") assert.fail(String(error))
    assert.match(error.reason.setting, setting)
    assert.match(error.help.en, fix)
    assert.match(error.help.zh, fix)
    assert.match(error.help.zh, /[一-鿿]/)
    assert.notMatch(error.help.en, /[一-鿿]/)
    const built = await Effect.runPromise(Effect.flip(Effect.provide(QQMini.QQMini, layer(parts as Own))))
    assert.strictEqual(built.reason._tag, "InvalidConfig")
    assert.lengthOf(await sandbox.run((platform) => platform.log), 0)
  })
})

describe("a wrong program or setting is told alike on every adapter", () => {
  const wrong: ReadonlyArray<readonly [setting: string, options: object]> = [
    ["appid", { appid: "a b" }],
    ["appid", { appid: 1112345678 }],
    ["appid", { appid: undefined }],
    ["appsecret", { appsecret: " " }],
    ["appsecret", { appsecret: Redacted.make("") }],
    ["appsecret", { appsecret: undefined }],
    ["apps", { apps: program }],
    ["apps[0].appsecret", { apps: [{ appid: "1" }] }],
    ["apps[1].appid", { apps: [program, program] }],
    ["deadline", { deadline: "5 seconds" }],
    ["attemptTimeout", { attemptTimeout: Infinity }],
    ["attempts", { attempts: 0 }],
    ["baseUrl", { baseUrl: "https://api.q.qq.com?" }],
    ["baseUrl", { baseUrl: 5 }]
  ]
  it.each(wrong)("%s: %o", (setting, options) => {
    const told = Object.values(adapters).map(({ create }) => {
      try {
        create(options as Own)
      } catch (error) {
        if (isQQError(error) && error.reason._tag === "InvalidConfig") return error.reason
      }
      return assert.fail("it was taken")
    })
    for (const reason of told) {
      assert.strictEqual(reason.setting.replace(" (QQ_BASE_URL)", ""), setting)
      assert.deepStrictEqual(reason.problem, told[0]!.problem)
      assert.match(reason.problem.zh, /[一-鿿]/)
    }
  })
})

describe("of one adapter alone", () => {
  it("uniCloud: no tokenKey where other software reads the token", () => {
    const bridge = { getAccessToken: async () => {}, setAccessToken: async () => {}, removeAccessToken: async () => {} }
    for (const store of ["opendb-open-data", "vk-global-data", bridge] as const) {
      assert.throws(() => UniCloud.createQQMini({ ...program, store, tokenKey }), /tokenKey: can't be given with this/)
    }
  })

  it("uniCloud: with an own transport and store no uniCloud is needed", async () => {
    const transport = Sandbox.layerTransport.pipe(Layer.provide(Sandbox.layerPlatform()))
    await using qq = UniCloud.createQQMini({ ...program, transport, store: "memory" })
    assert.deepStrictEqual(await qq.security.msgSecCheck({ content: "x" }), { risky: false })
  })

  it("edge: functions are functions", () => {
    assert.throws(() => Edge.createQQMini({ ...program, fetch: {} as never }), /fetch: must be a function/)
    assert.throws(() => Edge.createQQMini({ ...program, waitUntil: {} as never }), /waitUntil: must be a function/)
  })

  it("edge: a tokenKey for the layer is not ignored", async () => {
    const error = await Effect.runPromise(
      Effect.flip(Effect.provide(QQMini.QQMini, Edge.layer({ ...program, tokenKey } as Edge.Options)))
    )
    assert.match(error.message, /tokenKey: is an option of createQQMini.*EncryptedTokenCache\.layer/)
  })
})
