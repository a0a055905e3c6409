/** Every store against the contract, on its real engine; and what a store tells of itself. */
import { assert, describe, it } from "@effect/vitest"
import * as EncryptedTokenCache from "@qq-mini/core/EncryptedTokenCache"
import type { QQError } from "@qq-mini/core/QQError"
import * as Quota from "@qq-mini/core/Quota"
import * as QuotaConformance from "@qq-mini/core/testing/QuotaConformance"
import * as TokenCacheConformance from "@qq-mini/core/testing/TokenCacheConformance"
import * as TokenCache from "@qq-mini/core/TokenCache"
import { createQQMini } from "@qq-mini/node"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as RedisStores from "@qq-mini/node/RedisStores"
import * as SqliteQuota from "@qq-mini/node/SqliteQuota"
import * as SqliteTokenCache from "@qq-mini/node/SqliteTokenCache"
import { defaultPrograms } from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import { WebCrypto } from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import { webcrypto } from "node:crypto"
import { mkdtempSync } from "node:fs"
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { createClient } from "redis"
import { afterAll, beforeAll } from "vitest"
import { freePort, Redis } from "./support/redis.ts"

const folder = () => mkdtempSync(join(tmpdir(), "qq-mini-store-"))
const secret = "theSecretOfTheStoresTest"
const tokenKey = Buffer.alloc(32, 7).toString("base64")

let redis: Redis
beforeAll(async () => {
  redis = await Redis.start()
})
afterAll(() => redis[Symbol.asyncDispose]())

const sqlite = SqliteTokenCache.layer({ path: join(folder(), "tokens.sqlite") })
const overRedis = Layer.suspend(() => RedisStores.layer({ url: redis.url }))

const stores: Readonly<Record<string, Layer.Layer<TokenCache.TokenCache, QQError>>> = {
  memory: TokenCache.layerMemory,
  SQLite: sqlite,
  Redis: overRedis,
  "SQLite, encrypted": EncryptedTokenCache.layer(sqlite, tokenKey),
  "Redis, encrypted": EncryptedTokenCache.layer(overRedis, Redacted.make(tokenKey))
}

for (const [name, store] of Object.entries(stores)) {
  describe(`the contract: ${name}`, () => {
    for (const { name, run } of TokenCacheConformance.cases) it.live(name, () => Effect.provide(run, store))
  })
}

const limiters: Readonly<Record<string, Layer.Layer<Quota.Quota, QQError>>> = {
  memory: Quota.layerMemory,
  SQLite: SqliteQuota.layer({ path: join(folder(), "quotas.sqlite") }),
  Redis: overRedis
}

for (const [name, limiter] of Object.entries(limiters)) {
  describe(`the contract of quotas: ${name}`, () => {
    for (const { name, run } of QuotaConformance.cases) it.live(name, () => Effect.provide(run, limiter))
  })
}

/** A token in a slot, as a client leaves it. */
const leave = (token: string) =>
  Effect.gen(function* () {
    const cache = yield* TokenCache.TokenCache
    yield* cache.lease("1112345678:slot", { owner: "a", generation: 0, ttl: 60_000 })
    yield* cache.write("1112345678:slot", {
      owner: "a",
      generation: 0,
      token: Redacted.make(token),
      ttl: 60_000,
      history: ""
    })
  })

describe("a store tells", () => {
  it.live("S1: of SQLite: a file and a folder for their owner alone; encrypted, no token in it", () =>
    Effect.gen(function* () {
      const path = join(folder(), "new", "folder", "tokens.sqlite")
      const layer = SqliteTokenCache.layer({ path })
      yield* Effect.promise(async () => {
        await mkdir(join(path, "../.."), { recursive: true })
      })
      const files = async () => {
        const names = await readdir(join(path, ".."))
        const modes = await Promise.all(
          names.map(async (name) => [name, (await stat(join(path, "..", name))).mode & 0o777] as const)
        )
        const contents = await Promise.all(names.map((name) => readFile(join(path, "..", name), "latin1")))
        return { modes, content: contents.join("") }
      }
      yield* Effect.provide(
        Effect.andThen(
          leave("aTokenInTheClear"),
          Effect.promise(async () => {
            const { content, modes } = await files()
            // the file and its two helpers
            assert.strictEqual(modes.length, 3)
            for (const [name, mode] of modes) assert.strictEqual(mode, 0o600, name)
            assert.strictEqual((await stat(join(path, ".."))).mode & 0o777, 0o700)
            assert.include(content, "aTokenInTheClear")
          })
        ),
        layer
      )
      const sealed = join(folder(), "tokens.sqlite")
      yield* Effect.provide(
        leave("aTokenThatIsSealed"),
        EncryptedTokenCache.layer(SqliteTokenCache.layer({ path: sealed }), tokenKey)
      )
      const text = yield* Effect.promise(() => readFile(sealed, "latin1"))
      assert.include(text, "1112345678:slot")
      assert.notInclude(text, "aTokenThatIsSealed")
    })
  )

  it.live("S1: of Redis: keys without secrets, all of a slot's in one part of a cluster; encrypted, no token", () =>
    Effect.gen(function* () {
      yield* Effect.provide(leave("aTokenThatIsSealed"), EncryptedTokenCache.layer(overRedis, tokenKey))
      const client = createClient({ url: redis.url })
      yield* Effect.promise(() => client.connect())
      const keys = yield* Effect.promise(() => client.keys("*"))
      assert.include(keys, "qq-mini:token:{1112345678:slot}")
      const slot = yield* Effect.promise(() => client.hGetAll("qq-mini:token:{1112345678:slot}"))
      assert.isAbove(slot["token"]!.length, 20)
      assert.notInclude(JSON.stringify(slot), "aTokenThatIsSealed")
      yield* Effect.promise(() => client.close())
    })
  )

  it("D3, T6: a SQLite file that another program keeps locked holds up neither the call nor the process", async () => {
    await using sandbox = await SandboxServer.start()
    const path = join(folder(), "tokens.sqlite")
    const other = new DatabaseSync(path)
    other.exec("CREATE TABLE IF NOT EXISTS other (x); BEGIN EXCLUSIVE")
    await using qq = createQQMini({ apps: defaultPrograms, baseUrl: sandbox.url, store: `sqlite:${path}` })
    let turns = 0
    const turning = setInterval(() => turns++, 10)
    // the lock is never given up while the call runs
    assert.deepStrictEqual(await qq.security.msgSecCheck({ content: "x" }), { risky: false })
    clearInterval(turning)
    // without pauses there would be a turn or two between the tries
    assert.isAbove(turns, 20)
    other.exec("COMMIT")
    other.close()
    const token = await qq.auth.getAccessToken()
    // settled: what was fetched without the file gets into it
    await using second = createQQMini({ apps: defaultPrograms, baseUrl: sandbox.url, store: `sqlite:${path}` })
    const stored = () => {
      const reader = new DatabaseSync(path, { timeout: 1_000 })
      try {
        return reader.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'slot'").get()!["n"] === 1
          ? reader
              .prepare("SELECT token FROM slot")
              .all()
              .map((row) => row["token"])
          : []
      } finally {
        reader.close()
      }
    }
    while (!stored().includes(token)) await new Promise((resolve) => setTimeout(resolve, 50))
    assert.strictEqual(await second.auth.getAccessToken(), token)
    assert.strictEqual(await sandbox.run((platform) => platform.count("auth.getAccessToken")), 1)
  })

  it("S1: createQQMini with a tokenKey: the token that is used is nowhere in the file", async () => {
    await using sandbox = await SandboxServer.start()
    const path = join(folder(), "tokens.sqlite")
    const create = (options: NodeQQMini.Options) =>
      createQQMini({ apps: defaultPrograms, baseUrl: sandbox.url, store: `sqlite:${path}`, ...options })
    await using sealed = create({ tokenKey })
    const token = await sealed.auth.getAccessToken()
    await using same = create({ tokenKey: Buffer.alloc(32, 7).toString("hex") })
    assert.strictEqual(await same.auth.getAccessToken(), token)
    const content = async () => (await Promise.all(["", "-wal"].map((end) => readFile(path + end, "latin1")))).join("")
    assert.notInclude(await content(), token)
    // and without one it is, so that the test would see it
    await using plain = create({})
    const seen = await plain.auth.getAccessToken({ cache: false })
    assert.include(await content(), seen)
  })

  it.live("a token that another key sealed counts as none, and is said so", () => {
    const logs: Array<string> = []
    return Effect.gen(function* () {
      const store = yield* Effect.provide(TokenCache.TokenCache, TokenCache.layerMemory)
      const [one, other] = [1, 2].map((byte) => EncryptedTokenCache.make(store, new Uint8Array(32).fill(byte), "K"))
      yield* Effect.provideServiceEffect(leave("token"), TokenCache.TokenCache, one!)
      const seen = yield* (yield* other!).read("1112345678:slot")
      assert.isUndefined(seen.token)
      assert.isAbove(seen.generation, 0)
      assert.include(logs.join(), "does not open with this K")
      assert.isDefined((yield* (yield* one!).read("1112345678:slot")).token)
      // moved to another slot it does not open either
      const moved = TokenCache.TokenCache.of({ ...store, read: () => store.read("1112345678:slot") })
      const elsewhere = yield* EncryptedTokenCache.make(moved, new Uint8Array(32).fill(1))
      assert.isUndefined((yield* elsewhere.read("1198765432:slot")).token)
    }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => logs.push(String(message)))])))
  })
})

it.effect("a runtime without WebCrypto is told so, and another may be given", () =>
  Effect.gen(function* () {
    const store = yield* TokenCache.makeMemory
    const missing = Effect.provideService(WebCrypto, undefined as never)
    const error = yield* Effect.flip(missing(EncryptedTokenCache.make(store, tokenKey)))
    assert.match(error.message, /^configuration: InvalidConfig: tokenKey: needs crypto\.subtle/)
    const given = Effect.provideService(WebCrypto, webcrypto as Crypto)
    const sealed = yield* given(EncryptedTokenCache.make(store, tokenKey))
    yield* Effect.provideService(leave("token"), TokenCache.TokenCache, sealed)
    assert.strictEqual(Redacted.value((yield* sealed.read("1112345678:slot")).token!), "token")
    assert.notStrictEqual(Redacted.value((yield* store.read("1112345678:slot")).token!), "token")
  })
)

describe("bad configuration names the setting and the fix, before anything is sent", () => {
  const app = { appid: "1112345678", appsecret: secret, baseUrl: "http://127.0.0.1:9" }
  const failure = async (options: NodeQQMini.Options): Promise<QQError> => {
    await using qq = createQQMini({ ...app, ...options })
    return await qq.auth.getAccessToken().then(
      () => assert.fail("it was taken"),
      (error) => error
    )
  }
  const expect = (error: QQError, ...parts: ReadonlyArray<string | RegExp>) => {
    assert.strictEqual(error.reason._tag, "InvalidConfig", error.message)
    for (const part of parts) {
      if (typeof part === "string") assert.include(error.message, part)
      else assert.match(error.message, part)
    }
    assert.notInclude(error.message, "aPasswordOfRedis")
  }

  it("a store that is none, and a key of the wrong length, at once", () => {
    const thrown = (options: NodeQQMini.Options): QQError => {
      try {
        createQQMini({ ...app, ...options })
      } catch (error) {
        return error as QQError
      }
      return assert.fail("it was taken")
    }
    expect(thrown({ store: "postgres://aPasswordOfRedis" }), "store (QQ_STORE)", "redis://", "memory")
    for (const tokenKey of ["tooShort", "A".repeat(43), new Uint8Array(31), "ab".repeat(31), "", 42 as never]) {
      expect(thrown({ tokenKey }), "tokenKey (QQ_TOKEN_KEY)", "32 bytes", "openssl rand -base64 32")
    }
    expect(thrown({ tokenKey: Buffer.alloc(16).toString("base64") }), "16 bytes", "16 字节")
  })

  it("a Redis that nobody runs, at an address that is none, or that says nothing", async () => {
    const port = await freePort()
    expect(
      await failure({ store: `redis://:aPasswordOfRedis@127.0.0.1:${port}` }),
      "store (QQ_STORE)",
      `127.0.0.1:${port}`,
      "ECONNREFUSED",
      "start Redis",
      "请启动 Redis"
    )
    expect(await failure({ store: "redis://" }), "store (QQ_STORE)", "redis://user:password@host:6379/0")
    for (const address of ["u:aPasswordOfRedis@h:port", "u:aPasswordOfRedis%x@h", "u:aPasswordOfRedis@h/queue"]) {
      expect(await failure({ store: `redis://${address}` }), "store (QQ_STORE)", "percent-encode")
    }
    expect(await failure({ store: "redis://no-such-host.invalid" }), /ENOTFOUND|EAI_AGAIN/)
    const silent = createServer(() => {}).listen(0, "127.0.0.1")
    await new Promise((resolve) => silent.once("listening", resolve))
    expect(
      await failure({ store: `redis://127.0.0.1:${(silent.address() as { port: number }).port}` }),
      "SocketTimeoutError"
    )
    silent.close()
  })

  it("a Redis that was not there yet when the app began: the next call finds it", async () => {
    await using late = await Redis.start()
    await using sandbox = await SandboxServer.start()
    await late.stop()
    await using qq = createQQMini({ apps: defaultPrograms, baseUrl: sandbox.url, store: late.url })
    const first = await Promise.allSettled([qq.auth.getAccessToken(), qq.auth.getAccessToken()])
    for (const result of first) expect((result as PromiseRejectedResult).reason, "ECONNREFUSED")
    await late.start()
    assert.isNotEmpty(await qq.auth.getAccessToken())
  })

  it("a Redis that takes no more connections: the client still ends", async () => {
    await using full = await Redis.start("--maxclients", "2")
    await using sandbox = await SandboxServer.start()
    const create = () => createQQMini({ apps: defaultPrograms, baseUrl: sandbox.url, store: full.url })
    await using other = create()
    await using qq = create()
    await sandbox.run((platform) =>
      platform.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 second" })
    )
    // the one that waits for the other's fetch wants a connection to be called on
    const [a, b] = await Promise.all([qq.auth.getAccessToken(), other.auth.getAccessToken()])
    assert.strictEqual(a, b)
    assert.strictEqual(await sandbox.run((platform) => platform.count("auth.getAccessToken")), 1)
  })

  it("a Redis that hangs: the client still ends", async () => {
    await using hanging = await Redis.start()
    await using sandbox = await SandboxServer.start()
    await using qq = createQQMini({ apps: defaultPrograms, baseUrl: sandbox.url, store: hanging.url })
    await qq.auth.getAccessToken()
    hanging.freeze()
    assert.deepStrictEqual(await qq.security.msgSecCheck({ content: "x" }), { risky: false })
  })

  it("a wrong password, and a user who may not", async () => {
    await using locked = await Redis.start(
      "--requirepass",
      "right",
      "--user",
      ..."reader on >reader ~* +@read +@connection".split(" ")
    )
    const at = `127.0.0.1:${locked.port}`
    for (const url of [`redis://${at}`, `redis://:aPasswordOfRedis@${at}`, `redis://who:aPasswordOfRedis@${at}`]) {
      expect(await failure({ store: url }), "store (QQ_STORE)", at, /WRONGPASS|NOAUTH/, "password")
    }
    const refused = await failure({ store: `redis://reader:reader@${at}` })
    expect(refused, "NOPERM", "EVALSHA", "qq-mini:*")
    // a user with what the error asks for, and nothing else
    const commands = /the commands ([A-Z, ]+)/.exec(refused.message)![1]!.toLowerCase().split(", ")
    const client = await createClient({ url: `redis://:right@${at}` }).connect()
    const rules = ["on", ">member", "~qq-mini:*", "&qq-mini:*", ...commands.map((command) => `+${command.trim()}`)]
    await client.sendCommand(["ACL", "SETUSER", "member", ...rules])
    const store = RedisStores.layer({ url: `redis://member:member@${at}` })
    const tokens = TokenCacheConformance.cases.map(({ run }) => Effect.provide(run, store))
    const quotas = QuotaConformance.cases.map(({ run }) => Effect.provide(run, store))
    await client.sendCommand(["ACL", "LOG", "RESET"])
    await Effect.runPromise(Effect.all([...tokens, ...quotas], { concurrency: "unbounded" }))
    const denied = (await client.sendCommand(["ACL", "LOG"])) as unknown as ReadonlyArray<{ readonly object: string }>
    // the package `redis` tells its own name and version, if it may
    assert.deepStrictEqual(
      denied.map(({ object }) => object).filter((object) => !object.startsWith("client")),
      []
    )
    client.destroy()
  })

  it("a path that can't be written, and a file that is another's", async () => {
    const path = folder()
    expect(await failure({ store: `sqlite:${path}` }), "store (QQ_STORE)", path, "EISDIR", "folder")
    await writeFile(join(path, "file"), "not a database, but long enough to be looked at".repeat(100))
    expect(await failure({ store: `sqlite:${join(path, "file")}` }), "not a database")
    expect(await failure({ store: `sqlite:${join(path, "file", "tokens.sqlite")}` }), /ENOTDIR|EEXIST/)
    expect(await failure({ store: "sqlite:/proc/qq-mini/tokens.sqlite" }), /E[A-Z]+/, "/proc/qq-mini")
    // nothing was written over or left half
    assert.match(await readFile(join(path, "file"), "utf8"), /^not a database/)
    assert.deepStrictEqual((await readdir(path)).toSorted(), ["file"])
  })
})
