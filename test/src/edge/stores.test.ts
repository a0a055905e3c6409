/** A Redis over HTTP, and Deno KV: against the contract, shared by processes, and when they can't be used. */
import { it as effectIt } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import { redact } from "@qq-mini/core/App"
import * as QQMini from "@qq-mini/core/QQMini"
import * as QuotaConformance from "@qq-mini/core/testing/QuotaConformance"
import * as TokenCacheConformance from "@qq-mini/core/testing/TokenCacheConformance"
import * as TokenCache from "@qq-mini/core/TokenCache"
import { createQQMini, denoKv, durableObject, isQQError, upstash } from "@qq-mini/edge"
import * as KvTokenCache from "@qq-mini/edge/KvTokenCache"
import * as UpstashStores from "@qq-mini/edge/UpstashStores"
import { createQQMini as createForNode } from "@qq-mini/node"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { execFile } from "node:child_process"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Redis } from "../support/redis.ts"
import { bundleEdge } from "../runtimes/runtimes.ts"
import { startUpstash, type Upstash } from "../support/upstash.ts"

const optionsOf = ({ token, url }: Upstash) => ({ token, url })

const exec = promisify(execFile)
const deno = fileURLToPath(new URL("../../node_modules/.bin/deno", import.meta.url))
const [first] = Sandbox.defaultPrograms
const program = { appid: first.appid, appsecret: String(first.appsecret) }

const reasonOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "ok",
    (error) => (isQQError(error) ? error.message : String(error))
  )

describe("a Redis over HTTP", () => {
  let redis: Redis
  let database: Upstash
  beforeAll(async () => {
    redis = await Redis.start()
    database = await startUpstash(redis.url)
  })
  afterAll(async () => {
    await database[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })

  const layer = Layer.suspend(() => UpstashStores.layer(optionsOf(database)))
  for (const { name, run } of TokenCacheConformance.cases) {
    effectIt.live(`the contract: ${name}`, () => Effect.provide(run, layer))
  }
  for (const { name, run } of QuotaConformance.cases) {
    effectIt.live(`the contract of quotas: ${name}`, () => Effect.provide(run, layer))
  }

  it("T1, Q1: shares token and quotas with those who come over Redis' own protocol", async () => {
    await using sandbox = await SandboxServer.start()
    const edge = createQQMini({ ...program, baseUrl: sandbox.url, store: upstash(optionsOf(database)) })
    const node = createForNode({ ...program, baseUrl: sandbox.url, store: redis.url })
    const calls = Array.from({ length: 40 }, (_, i) =>
      (i % 2 === 0 ? edge : node).security.msgSecCheck({ content: "x" })
    )
    await Promise.all(calls)
    assert.strictEqual(await sandbox.run((platform) => platform.count("auth.getAccessToken")), 1)
    for (const [one, other] of [
      [edge, node],
      [node, edge]
    ] as const) {
      // on a busy machine an answer may come too late, and then the call is counted in its client alone
      for (let seen = false; !seen;) {
        const before = await other.remaining("security.msgSecCheck")
        await one.security.msgSecCheck({ content: "x" })
        seen = (await other.remaining("security.msgSecCheck")) === before - 1
      }
    }
    await edge.close()
    await node.close()
  })

  it("a token that it refuses from the beginning is a wrong setting, and no outage", async () => {
    await using sandbox = await SandboxServer.start()
    const qq = createQQMini({
      ...program,
      baseUrl: sandbox.url,
      store: upstash({ ...optionsOf(database), token: "another" })
    })
    const told = await reasonOf(qq.security.msgSecCheck({ content: "x" }))
    assert.match(told, /InvalidConfig: token \(UPSTASH_REDIS_REST_TOKEN\): is refused by the database/)
    assert.match(told, /被数据库拒绝/)
    assert.notInclude(told, "another")
    assert.strictEqual(await sandbox.run((platform) => platform.count("auth.getAccessToken")), 0)
    await qq.close()
  })

  it("T6: a token that worked and is refused later is an outage", async () => {
    await using database = await startUpstash(redis.url)
    await using sandbox = await SandboxServer.start()
    const events: Array<string> = []
    const qq = createQQMini({
      ...program,
      baseUrl: sandbox.url,
      store: upstash({ ...optionsOf(database), prefix: "reset:" }),
      onTokenEvent: ({ _tag }) => events.push(_tag)
    })
    const check = () => reasonOf(qq.security.msgSecCheck({ content: "x" }))
    assert.strictEqual(await check(), "ok")
    database.reset()
    await sandbox.run((platform) => platform.revokeTokens())
    assert.strictEqual(await check(), "ok")
    assert.deepStrictEqual(events, ["Fetched", "Invalidated", "StoreLost", "Fetched"])
    await qq.close()
  })

  it.each([
    [{ url: undefined, token: "x" }, /url \(UPSTASH_REDIS_REST_URL\): must be the database's REST address/],
    [{ url: "redis://h", token: "x" }, /url \(UPSTASH_REDIS_REST_URL\)/],
    [{ url: "https://u:p@h", token: "x" }, /url \(UPSTASH_REDIS_REST_URL\)/],
    [{ url: "https://h", token: undefined }, /token \(UPSTASH_REDIS_REST_TOKEN\): must be the database's REST token/],
    [{ url: "https://h", token: " " }, /token \(UPSTASH_REDIS_REST_TOKEN\)/]
  ])("settings that can't be right are told by their names: %j", async (options, expected) => {
    const qq = createQQMini({ ...program, store: upstash(options) })
    assert.match(await reasonOf(qq.security.msgSecCheck({ content: "x" })), expected)
  })

  describe.each(["process", "request"] as const)("T6: is gone, where a %s runs calls", (runs) => {
    it("calls go on with what is in memory, fetch at most three times alone, and agree again", async () => {
      await using redis = await Redis.start()
      await using database = await startUpstash(redis.url)
      await using sandbox = await SandboxServer.start()
      const events: Array<string> = []
      const qq = createQQMini({
        ...program,
        baseUrl: sandbox.url,
        store: upstash(optionsOf(database)),
        runs,
        onTokenEvent: ({ _tag }) => events.push(_tag)
      })
      const fetches = () => sandbox.run((platform) => platform.count("auth.getAccessToken"))
      const many = () =>
        Promise.all(Array.from({ length: 30 }, () => reasonOf(qq.security.msgSecCheck({ content: "x" }))))
      assert.deepStrictEqual([...new Set(await many())], ["ok"])
      assert.strictEqual(await fetches(), 1)
      await redis.stop()
      assert.deepStrictEqual([...new Set(await many())], ["ok"])
      assert.strictEqual(await fetches(), 1)
      // many at once need a new one: one fetches, the others take what it got
      await sandbox.run((platform) => platform.revokeTokens())
      assert.deepStrictEqual([...new Set(await many())], ["ok"])
      assert.strictEqual(await fetches(), 2)
      assert.include(events, "StoreLost")
      await redis.start()
      for (let i = 0; i < 80 && !events.includes("StoreBack"); i++) {
        await many()
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      assert.include(events, "StoreBack")
      assert.deepStrictEqual([...new Set(await many())], ["ok"])
      const another = createQQMini({ ...program, baseUrl: sandbox.url, store: upstash(optionsOf(database)), runs })
      assert.strictEqual(await reasonOf(another.security.msgSecCheck({ content: "x" })), "ok")
      assert.strictEqual(await fetches(), 2)
      await another.close()
      await qq.close()
    })
  })
})

describe("a KV that is behind", () => {
  /** As Workers KV elsewhere in the world: what is written is seen there later. */
  const lagging = () => {
    const here = new Map<string, string>()
    let there = new Map(here)
    const namespace: KvTokenCache.Namespace = {
      get: (key) => Promise.resolve(JSON.parse(there.get(key) ?? "null")),
      put: (key, value) => Promise.resolve(void here.set(key, value)),
      delete: (key) => Promise.resolve(void here.delete(key))
    }
    return { namespace, settle: () => (there = new Map(here)) }
  }
  const key = "1112345678:slot"
  const write = (store: TokenCache.TokenCache["Service"], generation: number, token: string) =>
    Effect.andThen(
      store.lease(key, { owner: token, generation, ttl: 6_000 }),
      store.write(key, { owner: token, generation, token: Redacted.make(token), ttl: 7_200_000, history: "" })
    )
  const tokenOf = (store: TokenCache.TokenCache["Service"]) =>
    Effect.map(store.read(key), ({ token }) => (token === undefined ? undefined : Redacted.value(token)))

  effectIt.live("T2, T3: gives a dead or an older token to nobody who knows better", () =>
    Effect.gen(function* () {
      const { namespace, settle } = lagging()
      const coordinator = yield* TokenCache.makeMemory
      const one = KvTokenCache.make(namespace, coordinator)
      const other = KvTokenCache.make(namespace, coordinator)
      const first = (yield* write(one, 0, "first"))!
      assert.strictEqual(yield* tokenOf(one), "first")
      settle()
      // A cold Worker reads the copy.
      const cold = KvTokenCache.make(namespace, { ...coordinator, read: () => Effect.die("asked") })
      assert.strictEqual(yield* tokenOf(cold), "first")
      // A holder that wrote or removed a token ignores older copies.
      assert.isTrue(yield* one.remove(key, { generation: first }))
      assert.isUndefined(yield* tokenOf(one))
      const second = (yield* write(one, first, "second"))!
      assert.strictEqual(yield* tokenOf(one), "second")
      // So does a holder to which the coordinator refused a lease.
      assert.strictEqual(yield* tokenOf(other), "first")
      assert.isFalse(yield* other.lease(key, { owner: "other", generation: first, ttl: 6_000 }))
      assert.strictEqual(yield* tokenOf(other), "second")
      settle()
      assert.strictEqual((yield* other.read(key)).generation, second)
    })
  )

  effectIt.live("T2: a copy that comes late is not believed by who has heard of a newer token", () =>
    Effect.gen(function* () {
      const { namespace, settle } = lagging()
      const coordinator = yield* TokenCache.makeMemory
      const life = { lifetime: 7_200_000, expires: Date.now() + 7_200_000 }
      const first = (yield* write(KvTokenCache.make(namespace, coordinator), 0, "first"))!
      const second = (yield* write(coordinator, first, "second"))!
      // it looks before the copy of the first is seen there
      const other = KvTokenCache.make({ ...namespace, put: () => Promise.resolve() }, coordinator)
      assert.strictEqual(yield* tokenOf(other), "second")
      settle()
      yield* coordinator.remove(key, { generation: second })
      assert.isUndefined(yield* tokenOf(other))
      // also where that was heard of from another copy
      const copy = JSON.stringify({ generation: second, token: "second", ...life, history: "" })
      const copies = [copy, JSON.stringify({ generation: first, token: "first", ...life, history: "" })]
      const get = () => Promise.resolve(JSON.parse(copies.shift()!))
      const third = KvTokenCache.make({ ...namespace, get }, coordinator)
      assert.strictEqual(yield* tokenOf(third), "second")
      assert.isUndefined(yield* tokenOf(third))
    })
  )

  effectIt.live("T3: a dead copy is taken out for those who know nothing", () =>
    Effect.gen(function* () {
      const { namespace, settle } = lagging()
      const coordinator = yield* TokenCache.makeMemory
      const one = KvTokenCache.make(namespace, coordinator)
      const generation = (yield* write(one, 0, "first"))!
      settle()
      yield* one.remove(key, { generation })
      settle()
      assert.isUndefined(yield* tokenOf(KvTokenCache.make(namespace, coordinator)))
    })
  )

  effectIt.live("does without a KV that fails or hangs", () =>
    Effect.gen(function* () {
      const coordinator = yield* TokenCache.makeMemory
      for (const never of [() => Promise.reject(new Error("KV")), () => new Promise<never>(() => {})]) {
        const store = KvTokenCache.make({ get: never, put: never, delete: never }, coordinator)
        const { generation } = yield* store.read(key)
        yield* write(store, generation, "token")
        assert.strictEqual(yield* tokenOf(store), "token")
      }
    })
  )
})

effectIt.effect("T6: a KV that hangs leaves the object its time, and is no outage", () =>
  Effect.gen(function* () {
    const memory = yield* TokenCache.makeMemory
    const never = () => new Promise<never>(() => {})
    // each takes most of the time that a store has
    const coordinator = TokenCache.TokenCache.of({
      ...memory,
      read: (key) => Effect.delay(memory.read(key), "1300 millis"),
      remove: (key, options) => Effect.delay(memory.remove(key, options), "1300 millis"),
      write: (key, options) => Effect.delay(memory.write(key, options), "1300 millis")
    })
    const tokens = yield* AccessToken.make.pipe(
      Effect.provideService(
        TokenCache.TokenCache,
        KvTokenCache.make({ get: never, put: never, delete: never }, coordinator)
      )
    )
    const events: Array<string> = []
    yield* tokens.listen(({ _tag }) => events.push(_tag))
    const app = { appid: first.appid, appsecret: redact(first.appsecret) }
    const got = yield* Effect.forkChild(tokens.get(app, 15_000))
    yield* TestClock.adjust("10 seconds")
    const token = yield* Fiber.join(got)
    yield* Effect.flatMap(Sandbox.Sandbox, (sandbox) => sandbox.revokeTokens())
    const renewed = yield* Effect.forkChild(tokens.renew(app, token, 15_000))
    yield* TestClock.adjust("10 seconds")
    assert.isTrue((yield* Fiber.join(renewed)).fresh)
    assert.deepStrictEqual(events, ["Fetched", "Invalidated", "Fetched"])
  }).pipe(Effect.scoped, Effect.provide(Sandbox.layerTransport.pipe(Layer.provideMerge(Sandbox.layerPlatform()))))
)

effectIt.effect("a copy for KV is handed over to waitUntil, and a write that fails there harms nobody", () =>
  Effect.gen(function* () {
    const coordinator = yield* TokenCache.makeMemory
    const key = "1112345678:slot"
    yield* coordinator.lease(key, { owner: "a", generation: 0, ttl: 6_000 })
    const token = Redacted.make("token")
    yield* coordinator.write(key, { owner: "a", generation: 0, token, ttl: 7_200_000, history: "" })
    const failing: Array<(error: Error) => void> = []
    const store = KvTokenCache.make(
      {
        get: () => Promise.resolve(null),
        put: () => new Promise((_, reject) => failing.push(reject)),
        delete: () => Promise.resolve()
      },
      coordinator
    )
    const work: Array<Promise<unknown>> = []
    // the clock stands still, so nothing is waited for
    const slot = yield* Effect.provideService(store.read(key), QQMini.WaitUntil, (one) => void work.push(one))
    assert.isDefined(slot.token)
    failing[0]!(new Error("KV"))
    yield* Effect.promise(() => Promise.all(work))
    assert.lengthOf(work, 1)
  })
)

describe("Deno KV", () => {
  let file: string
  let bundle: string
  let flags: ReadonlyArray<string>
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "qq-mini-deno-kv-"))
    file = join(folder, "tokens.db")
    bundle = await bundleEdge(fileURLToPath(new URL("contract.ts", import.meta.url)), "deno-kv.mjs")
    flags = [
      "run",
      "--unstable-kv",
      "--allow-net=127.0.0.1",
      `--allow-read=${folder}`,
      `--allow-write=${folder}`,
      bundle
    ]
  })
  const run = async (...args: ReadonlyArray<string>): Promise<any> =>
    JSON.parse((await exec(deno, [...flags, ...args])).stdout)

  it("keeps the contract", async () => {
    const results: ReadonlyArray<readonly [string, string]> = await run("contract", file)
    assert.lengthOf(results, TokenCacheConformance.cases.length)
    for (const [name, result] of results) assert.strictEqual(result, "passed", name)
  })

  it("T1: four processes with 50 callers each, cold: 1 getToken", async () => {
    await using sandbox = await SandboxServer.start()
    const told = JSON.stringify({ ...program, baseUrl: sandbox.url })
    assert.deepStrictEqual(
      await Promise.all(Array.from({ length: 4 }, () => run("calls", file, told))),
      [50, 50, 50, 50]
    )
    assert.strictEqual(await sandbox.run((platform) => platform.count("auth.getAccessToken")), 1)
  })

  it("T9: an operation that nobody waits for any more changes nothing", async () => {
    let gets = 0
    let commits = 0
    let reached = () => {}
    const third = new Promise<void>((resolve) => (reached = resolve))
    const atomic = {
      check: () => atomic,
      set: () => atomic,
      // others are always first
      commit: () => {
        if (++commits === 3) reached()
        return Promise.resolve({ ok: false })
      }
    }
    const database = { get: () => Promise.resolve({ value: null, versionstamp: `${++gets}` }), atomic: () => atomic }
    const lease = Effect.flatMap(TokenCache.TokenCache, (cache) =>
      cache.lease("1112345678:slot", { owner: "a", generation: 0, ttl: 6_000 })
    )
    const abort = new AbortController()
    const leasing = Effect.runPromiseExit(Effect.provide(lease, denoKv(database)), { signal: abort.signal })
    await third
    abort.abort()
    await leasing
    const before = commits
    await new Promise((resolve) => setTimeout(resolve, 200))
    assert.strictEqual(commits, before)
  })

  it("a binding or a database that is not there is told", async () => {
    for (const [store, expected] of [
      [denoKv(undefined), /store: must be a database of Deno KV/],
      [durableObject({} as never), /store: has no Durable Object/]
    ] as const) {
      const qq = createQQMini({ ...program, store })
      assert.match(await reasonOf(qq.security.msgSecCheck({ content: "x" })), expected)
    }
  })
})
