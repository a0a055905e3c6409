/** I1: options and parameters that are wrong in any way are said to be, on every adapter, and never as a `TypeError`. */
import { groups } from "@qq-mini/core/Endpoints"
import type { QQError } from "@qq-mini/core/QQError"
import * as TokenCache from "@qq-mini/core/TokenCache"
import { TransportError } from "@qq-mini/core/Transport"
import * as Edge from "@qq-mini/edge"
import * as EdgeQQMini from "@qq-mini/edge/EdgeQQMini"
import * as Node from "@qq-mini/node"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as SqliteTokenCache from "@qq-mini/node/SqliteTokenCache"
import * as Uni from "@qq-mini/unicloud"
import * as DatabaseTokenCache from "@qq-mini/unicloud/DatabaseTokenCache"
import * as UniCloudQQMini from "@qq-mini/unicloud/UniCloudQQMini"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { inspect } from "node:util"
import { assert, describe, it } from "vitest"
import { makeUniCloud } from "./unicloud/unicloud.ts"

type Odd = any

const program = { appid: "1112345678", appsecret: "aSecretNobodySees" }
const refusing = { send: () => Effect.fail(new TransportError({ phase: "unsent", problem: "ECONNREFUSED" })) }
const parts = { ...program, transport: refusing, attempts: 1 }

/** What `make` gives or throws. */
const outcome = async (make: () => unknown): Promise<unknown> => {
  try {
    return await make()
  } catch (error) {
    return error
  }
}

/** The error that `make` throws. It shows no value. */
const refused = async (make: () => unknown): Promise<QQError> => {
  const error = await outcome(make)
  if (!Node.isQQError(error)) return assert.fail(`no QQError: ${inspect(error)}`)
  assert.notInclude(inspect(error, { depth: 9, customInspect: false }), program.appsecret)
  assert.match(error.help.zh, /[一-鿿]/)
  return error
}

const build = <A, E>(layer: Layer.Layer<A, E>) => Effect.runPromise(Effect.scoped(Layer.build(layer)))

const creators: Readonly<Record<string, (options: Odd) => unknown>> = {
  "createQQMini of Node": Node.createQQMini,
  "createQQMini of edge": Edge.createQQMini,
  "createQQMini of uniCloud": Uni.createQQMini,
  createVkOpenapiQQ: Uni.createVkOpenapiQQ,
  "the layer of Node": (options) => build(NodeQQMini.layer(options)),
  "the layer of edge": (options) => build(EdgeQQMini.layer(options)),
  "the layer of uniCloud": (options) => build(UniCloudQQMini.layer(options))
}

const qq: Odd = Edge.createQQMini(parts)
const modules: Readonly<Record<string, (options: Odd) => unknown>> = {
  UniSecCheck: (options) => new Uni.UniSecCheck(options),
  UniSubscribemsg: (options) => new Uni.UniSubscribemsg(options),
  createInitQQ: Uni.createInitQQ,
  createTokenStore: Uni.createTokenStore,
  "payNotificationHandler of Node": Node.payNotificationHandler,
  "payNotificationHandler of edge": Edge.payNotificationHandler,
  "payNotificationHandler of uniCloud": Uni.payNotificationHandler,
  pushHandler: Edge.pushHandler
}
const memory: Odd = TokenCache.layerMemory
const stores: Readonly<Record<string, (options: Odd) => unknown>> = {
  SqliteTokenCache: (options) => build(SqliteTokenCache.layer(options)),
  KvTokenCache: (options) => build(Edge.kv({ put: () => {} } as Odd, memory, options)),
  DenoKvTokenCache: (options) => build(Edge.denoKv({ atomic: () => {} } as Odd, options)),
  UpstashStores: (options) => build(Edge.upstash(options)),
  DatabaseTokenCache: (options) => build(DatabaseTokenCache.layer({} as Odd, options))
}

const odd: ReadonlyArray<unknown> = [null, "x", 5, true, [], [5], () => 1, Symbol("s"), 10n, {}, Object.create(null)]
const notObjects = odd.slice(0, -2)

describe("I1: options", () => {
  const mistakes: ReadonlyArray<readonly [Odd, string]> = [
    [
      { appId: "1", appSecret: "s" },
      "appId: is not an option: write appid; appSecret: is not an option: write appsecret"
    ],
    [{ ...program, timeout: 5 }, "timeout: is not an option: write deadline or attemptTimeout"],
    [
      { ...program, retries: 5, cache: "memory" },
      "retries: is not an option: write attempts; cache: is not an option: write store"
    ],
    [{ appid: "1", secret: program.appsecret }, "secret: is not an option: write appsecret"],
    [{ ...program, colour: "red" }, "colour: is not an option (known: appid, appsecret, apps, "]
  ]

  it.each(Object.entries(creators))("of %s: an unknown one is named, with the right one", async (_, create) => {
    for (const [options, expected] of mistakes) {
      const error = await refused(() => create(options))
      assert.strictEqual(error.reason._tag, "InvalidConfig")
      assert.include(error.message, expected)
    }
    for (const options of notObjects) {
      const { message } = await refused(() => create(options))
      assert.match(message, /options: must be an object, as \{ appid: …, appsecret: … \}, not /)
      assert.match(message, /options：必须是对象，如 .*，不能是/)
    }
  })

  it("of one adapter are not options of another, unless it has them too", async () => {
    const { message } = await refused(() =>
      Node.createQQMini({ ...program, proxyUrl: "http://x", uniCloud: {} } as Odd)
    )
    assert.match(message, /proxyUrl: is not an option: write proxy; uniCloud: is not an option \(known: .*dispatcher\)/)
    const wrong: ReadonlyArray<readonly [(options: Odd) => unknown, Odd, RegExp]> = [
      [Edge.createQQMini, { env: null }, /env: must be an object of variables/],
      [Uni.createQQMini, { uniCloud: null }, /uniCloud: must be the object uniCloud/],
      [Uni.createQQMini, { configCenter: {} }, /configCenter: must be a function/],
      [Uni.createVkOpenapiQQ, { compat: null }, /compat: must be an object/],
      [Uni.createVkOpenapiQQ, { aeskey: "x" }, /aeskey: is not an option: write aesKey/]
    ]
    for (const [create, options, expected] of wrong) {
      assert.match((await refused(() => create({ ...program, ...options }))).message, expected)
    }
  })

  it.each(["Node", "edge", "uniCloud"])("of %s: a program with other names is told the right ones", async (where) => {
    const create = creators[`createQQMini of ${where}`]!
    const { message } = await refused(() => create({ apps: [program, { appId: "2", secret: "s" }] }))
    assert.include(message, "apps[1].appid: is missing (appId is given: write appid)")
  })

  it.each(Object.entries({ ...modules, ...stores }))(
    "of %s: unknown ones, and what is no object",
    async (_, create) => {
      const { message } = await refused(() => create({ qq, colour: "red" }))
      assert.match(message, /colour: is not an option|qq: must be the client/)
      for (const options of notObjects) await refused(() => create(options))
    }
  )

  it("of a store: a file, a namespace or a function that is none", async () => {
    const wrong: ReadonlyArray<readonly [() => unknown, RegExp]> = [
      [() => stores["SqliteTokenCache"]!({}), /path: must be the path of a file/],
      [() => stores["SqliteTokenCache"]!({ file: "x" }), /file: is not an option: write path/],
      [() => stores["UpstashStores"]!({ uri: "x" }), /uri: is not an option: write url/],
      [() => stores["DatabaseTokenCache"]!({ collection: 5 }), /collection: must be the name of a collection/],
      [() => build(Edge.kv(undefined, memory)), /store: has no KV namespace/],
      [() => build(Edge.kv({ put: () => {} } as Odd, undefined as Odd)), /store: needs a store behind KV/],
      [() => Uni.createTokenStore({ read: 5, replace: 5 } as Odd), /read: must be a function/],
      [() => Edge.pushHandler({ onPush: () => {}, store: "x" } as Odd), /store: must be a layer of PushStore/],
      [() => Edge.payNotificationHandler({ ...program } as Odd), /onPaid: must be a function/],
      [() => Uni.payNotificationHandler({ ...program, onPaid: () => {} } as Odd), /path: must be a path/]
    ]
    for (const [make, expected] of wrong) assert.match((await refused(make)).message, expected)
  })
})

describe("I1: calls of the promise client", () => {
  const node: Odd = Node.createQQMini({ ...parts, store: "memory" })
  const uni: Odd = Uni.createQQMini({ ...parts, store: "memory", uniCloud: makeUniCloud() })
  const clients: ReadonlyArray<readonly [string, Odd]> = [
    ["Node", node],
    ["edge", qq],
    ["uniCloud", uni]
  ]
  const content = { content: "x" }

  it.each(clients)("of %s: an odd value is answered with a QQError, wherever it stands", async (_, qq) => {
    for (const value of odd) {
      for (const [group, calls] of Object.entries(groups)) {
        for (const name of Object.keys(calls)) {
          await refused(() => qq[group][name](value))
          await refused(() =>
            qq[group][name]({ code: value, content: value, media: value, touser: value, data: value })
          )
        }
      }
      await refused(() => qq.security.msgSecCheck(content, value))
      await refused(() => qq.content.check(value))
      await refused(() => qq.content.check({ texts: value, images: value }))
      await refused(() => qq.content.check({ texts: ["x"], images: [value] }, { pieceLength: value, overlap: value }))
      await refused(() => qq.app(value).security.msgSecCheck(content))
      await refused(() => qq.remaining(value))
      await outcome(() => qq.remaining("security.msgSecCheck", value)).then((left) =>
        assert.isTrue(Node.isQQError(left) || left === 4_000, inspect(left))
      )
      assert.match((await refused(() => qq.with(value))).message, /request: must be the context of a request/)
      if (value !== null) {
        const { message } = await refused(() => qq.security.msgSecCheck(content, { signal: value }))
        assert.match(message, /options\.signal: must be an AbortSignal/)
      }
    }
  })

  it.each(clients)("of %s: options that are no object, or unknown, are not passed over", async (_, qq) => {
    const said = async (options: unknown) => (await refused(() => qq.security.msgSecCheck(content, options))).message
    for (const options of ["x", 5, true, () => 1]) {
      assert.match(await said(options), /options: must be an object, as \{ deadline: 5000 \}, not /)
    }
    assert.match(await said({ timeout: 5 }), /options\.timeout: .*: write deadline or attemptTimeout/)
    assert.match(await said({ abortSignal: new AbortController().signal }), /options\.signal: .*: write signal/)
    const { message } = await refused(() => qq.app({ appId: "1" }).security.msgSecCheck(content))
    assert.match(message, /appid: is missing \(appId is given: write appid\)/)
  })

  it("of the objects for uniCloud's modules", async () => {
    const check: Odd = new Uni.UniSecCheck({ qq })
    const messages: Odd = new Uni.UniSubscribemsg({ qq })
    const initQQ: Odd = Uni.createInitQQ(qq)
    const vk: Odd = Uni.createVkOpenapiQQ({ ...program, store: "memory", uniCloud: makeUniCloud() })
    await refused(() => Uni.createInitQQ(qq, 5 as Odd))
    for (const value of odd) {
      assert.match((await check.textSecCheck(value)).errCode, /param-required/)
      assert.match((await check.imgSecCheck(value)).errCode, /param-required/)
      await refused(() => messages.sendSubscribeMessage(value))
      await refused(() => messages.sendTemplateMessage(value))
      await refused(() => initQQ().code2Session(value))
      await refused(() => Uni.readSessionKey(value as Odd, { appid: "1", openid: "2" }))
      await refused(() => Uni.readSessionKey({ collection: () => {} } as Odd, value as Odd))
      if (typeof value !== "object" || value === null) assert.strictEqual((await vk.request(value)).code, -1)
    }
  })
})
