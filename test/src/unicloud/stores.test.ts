/** The stores of uniCloud against the contract, beside other software's documents, and when the database fails. */
import { assert, describe, it } from "@effect/vitest"
import * as TokenCacheConformance from "@qq-mini/core/testing/TokenCacheConformance"
import { type Slot, TokenCache } from "@qq-mini/core/TokenCache"
import type { QQError } from "@qq-mini/core/QQError"
import type { Database as UniDatabase } from "@qq-mini/unicloud/UniCloud"
import { createTokenStore, readSessionKey } from "@qq-mini/unicloud"
import * as DatabaseTokenCache from "@qq-mini/unicloud/DatabaseTokenCache"
import * as OpenBridgeTokenCache from "@qq-mini/unicloud/OpenBridgeTokenCache"
import * as OpenDataTokenCache from "@qq-mini/unicloud/OpenDataTokenCache"
import * as RedisStores from "@qq-mini/unicloud/RedisStores"
import { sessionKey } from "@qq-mini/unicloud/SessionKey"
import * as VkTokenCache from "@qq-mini/unicloud/VkTokenCache"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createClient } from "redis"
import { afterAll, beforeAll } from "vitest"
import { Redis } from "../support/redis.ts"
import { connect, type DatabaseServer, type Operation, startDatabase } from "./database.ts"

let redis: Redis
let server: DatabaseServer
let client: ReturnType<typeof createClient>
beforeAll(async () => {
  redis = await Redis.start()
  client = createClient({ url: redis.url })
  await client.connect()
  server = await startDatabase()
  for (const name of ["qq-mini-tokens", "opendb-open-data", "vk-global-data"]) server.createCollection(name)
})
afterAll(async () => {
  await client.close()
  await redis[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** What `uniCloud.redis()` gives, over a real Redis. */
const uniRedis = () => ({
  eval: (script: string, numberOfKeys: number, ...rest: Array<string | number>): Promise<unknown> =>
    client.sendCommand(["EVAL", script, String(numberOfKeys), ...rest.map(String)])
})

/** What `require("uni-open-bridge-common")` gives: it keeps tokens somewhere, and calls the fallback where it has none. */
const openBridge = () => {
  const kept = new Map<string, { value: { access_token: string }; ends: number }>()
  const calls: Array<unknown> = []
  // it finds the program of the app, and notes it in the key
  const program = (key: OpenBridgeTokenCache.BridgeKey) => {
    const appid = key.dcloudAppid!.replace("__UNI__", "")
    Object.assign(key, { appid })
    return appid
  }
  const bridge: OpenBridgeTokenCache.OpenBridge = {
    getAccessToken: async (key, fallback) => {
      const found = kept.get(program(key))
      return found !== undefined && found.ends > Date.now() ? found.value : (await fallback()).value
    },
    setAccessToken: async (key, value, seconds) => {
      calls.push([{ ...key }, value, seconds])
      kept.set(program(key), { value, ends: Date.now() + seconds * 1_000 })
    },
    removeAccessToken: async (key) => {
      kept.delete(program(key))
    }
  }
  return { bridge, kept, calls }
}

const database = (): UniDatabase => connect(server.url)
type Store = Layer.Layer<TokenCache, QQError>
const lazily = (store: () => Store): Store => Layer.suspend(store)

const ofDatabase = {
  "the database": lazily(() => DatabaseTokenCache.layer(database())),
  "opendb-open-data": lazily(() => OpenDataTokenCache.layer(database())),
  "vk-global-data": lazily(() => VkTokenCache.layer(database()))
}
/** Two functions over texts, as an app without Effect writes them. */
const functions = () => {
  const kept = new Map<string, string>()
  return createTokenStore({
    read: async (key) => kept.get(key) ?? null,
    replace: async (key, previous, next) => {
      if (kept.get(key) !== previous) return false
      kept.set(key, next)
      return true
    }
  })
}

const stores: Readonly<Record<string, Store>> = {
  "two functions": lazily(() => Layer.succeed(TokenCache, functions())),
  ...ofDatabase,
  "uni-open-bridge-common": lazily(() =>
    OpenBridgeTokenCache.layer(database(), openBridge().bridge, (appid) => `__UNI__${appid}`)
  ),
  "uniCloud.redis()": lazily(() => RedisStores.layer(uniRedis))
}

for (const [name, store] of Object.entries(stores)) {
  describe(`the contract: ${name}`, () => {
    for (const { name, run } of TokenCacheConformance.cases) it.live(name, () => Effect.provide(run, store))
  })
}

const minute = 60_000
const tokenOf = ({ token }: Slot) => (token === undefined ? undefined : Redacted.value(token))
let programs = 0

/** A program of its own, and what can be done with its slot on one connection of one instance. */
const instance = Effect.fnUntraced(function* (store: Store, appid = `${1_112_000_000 + programs++}`) {
  const cache = yield* Effect.provide(TokenCache, yield* Layer.build(Layer.fresh(store)))
  const key = `${appid}:fingerprint`
  return {
    appid,
    cache,
    read: cache.read(key),
    lease: (owner: string, generation: number, ttl = minute) => cache.lease(key, { owner, generation, ttl }),
    write: (owner: string, generation: number, token: string, ttl = minute) =>
      cache.write(key, { owner, generation, ttl, token: Redacted.make(token), history: "" }),
    remove: (generation: number) => cache.remove(key, { generation }),
    release: (owner: string) => cache.release(key, { owner })
  }
})

/** Writes a token as a holder does; gives its generation. */
const put = Effect.fnUntraced(function* (
  slot: Effect.Success<ReturnType<typeof instance>>,
  token: string,
  ttl = minute
) {
  const { generation } = yield* slot.read
  assert.isTrue(yield* slot.lease(token, generation))
  const written = yield* slot.write(token, generation, token, ttl)
  assert.isDefined(written)
  return written!
})

/** The two formats of other software, as the facts give them. */
const formats = [
  {
    name: "vk-global-data",
    store: ofDatabase["vk-global-data"],
    collection: "vk-global-data",
    id: (appid: string) => `mp-qq-access_token-${appid}`,
    written: (id: string, token: string, now: number, expires: number) => ({
      _id: id,
      key: id,
      value: token,
      expired_at: expires,
      _add_time: now,
      _add_time_str: new Date(now + 8 * 3_600_000).toISOString().slice(0, 19).replace("T", " ")
    }),
    theirs: [
      {
        what: "as vk writes it",
        content: (token: string, now: number) => ({ value: token, expired_at: now + 240_000, _add_time: now }),
        lifetime: 240_000
      },
      {
        what: "without end",
        content: (token: string) => ({ value: token, expired_at: 0 }),
        lifetime: 240_000
      }
    ]
  },
  {
    name: "opendb-open-data",
    store: ofDatabase["opendb-open-data"],
    collection: "opendb-open-data",
    id: (appid: string) => `uni-id:qq-mp:${appid}:access-token`,
    written: (id: string, token: string, _now: number, expires: number) => ({
      _id: id,
      value: `{"access_token":"${token}"}`,
      expired: expires
    }),
    theirs: [
      {
        what: "its value a string",
        content: (token: string, now: number) => ({
          value: JSON.stringify({ access_token: token }),
          expired: now + 7e6
        }),
        lifetime: 7_200_000
      },
      {
        what: "its value an object",
        content: (token: string, now: number) => ({ value: { access_token: token }, expired: now + 7e6 }),
        lifetime: 7_200_000
      },
      {
        what: "without end",
        content: (token: string) => ({ value: { access_token: token, extra: 1 }, expired: -1 }),
        lifetime: 240_000
      }
    ]
  }
]

for (const { collection, id, name, store, theirs, written } of formats) {
  describe(`beside other software: ${name}`, () => {
    const theirsOf = (appid: string) => server.dump(collection)[id(appid)]

    it.live("byte for byte as it writes it, with a document of our own beside it", () =>
      Effect.gen(function* () {
        const slot = yield* instance(store)
        const before = Date.now()
        // a lifetime in a process is seldom a whole number
        const generation = yield* put(slot, "one", minute + 0.75)
        const document: any = theirsOf(slot.appid)
        const expires = document.expired_at ?? document.expired
        assert.isTrue(Number.isInteger(expires))
        assert.isTrue(expires - minute >= before && expires - minute <= Date.now())
        const now = document._add_time ?? before
        assert.isTrue(now >= before && now <= Date.now())
        assert.strictEqual(JSON.stringify(document), JSON.stringify(written(id(slot.appid), "one", now, expires)))
        // ours has what theirs has no room for, and every field that all of the collection have
        const ours: any = server.dump(collection)[`${id(slot.appid)}:qq-mini`]
        assert.strictEqual(ours.generation, generation)
        for (const field of name === "vk-global-data" ? ["key", "expired_at"] : ["expired"])
          assert.property(ours, field)
        // a second one goes in its place
        yield* put(slot, "two")
        assert.include(JSON.stringify(theirsOf(slot.appid)), "two")
        assert.isTrue(yield* slot.remove((yield* slot.read).generation))
        assert.isUndefined(theirsOf(slot.appid))
      }).pipe(Effect.scoped)
    )

    for (const { content, lifetime, what } of theirs) {
      it.live(`reads what it wrote, ${what}, with one generation for all, and replaces it`, () =>
        Effect.gen(function* () {
          const slot = yield* instance(store)
          const other = yield* instance(store, slot.appid)
          const now = Date.now()
          server.put(collection, { _id: id(slot.appid), ...content("theirs", now) })
          const found = yield* slot.read
          assert.strictEqual(tokenOf(found), "theirs")
          assert.strictEqual(found.lifetime, lifetime)
          assert.isTrue(found.expiresIn > 0 && found.expiresIn <= lifetime)
          assert.strictEqual((yield* other.read).generation, found.generation)
          assert.isAbove(found.generation, 0)
          assert.isAbove(yield* put(other, "ours"), found.generation)
          assert.strictEqual(tokenOf(yield* slot.read), "ours")
          // and T3: theirs is removed by comparison, too
          server.put(collection, { _id: id(slot.appid), ...content("again", now) })
          const again = yield* slot.read
          assert.strictEqual(tokenOf(again), "again")
          assert.isFalse(yield* slot.remove(found.generation))
          assert.isTrue(yield* slot.remove(again.generation))
          assert.isUndefined(theirsOf(slot.appid))
          assert.strictEqual((yield* other.read).generation, again.generation)
        }).pipe(Effect.scoped)
      )
    }

    it.live("T2: its newer token stays when ours is late, and what it removed is gone", () =>
      Effect.gen(function* () {
        const slot = yield* instance(store)
        yield* slot.lease("late", 0)
        server.put(collection, { _id: id(slot.appid), ...theirs[0]!.content("newer", Date.now()) })
        assert.isUndefined(yield* slot.write("late", 0, "older"))
        assert.strictEqual(tokenOf(yield* slot.read), "newer")
        assert.include(JSON.stringify(theirsOf(slot.appid)), "newer")
        yield* slot.release("late")
        yield* put(slot, "ours")
        yield* Effect.promise(() =>
          database()
            .collection(collection)
            .where({ _id: id(slot.appid) })
            .remove()
        )
        const gone = yield* slot.read
        assert.isUndefined(tokenOf(gone))
        assert.isAbove(yield* put(slot, "next"), gone.generation)
      }).pipe(Effect.scoped)
    )

    it.live("T2: a token of ours whose sharing was cut off counts, and the next who looks shares it", () =>
      Effect.gen(function* () {
        const slot = yield* instance(store)
        const other = yield* instance(store, slot.appid)
        server.put(collection, { _id: id(slot.appid), ...theirs[0]!.content("old", Date.now()) })
        const { generation } = yield* slot.read
        yield* slot.lease("a", generation)
        // our document is written, theirs is not
        let updates = 0
        const unshared = interposed(database(), async (operation, when) => {
          if (operation === "updateAndReturn" && when === "before" && ++updates === 2) throw new Error("cut off")
        })
        const cache = yield* Effect.provide(TokenCache, yield* Layer.build(storeOver[name]!(unshared)))
        const key = `${slot.appid}:fingerprint`
        const mine = yield* cache.write(key, {
          owner: "a",
          generation,
          ttl: minute,
          token: Redacted.make("new"),
          history: ""
        })
        assert.isDefined(mine)
        assert.include(JSON.stringify(theirsOf(slot.appid)), "old")
        const found = yield* other.read
        assert.deepStrictEqual([tokenOf(found), found.generation], ["new", mine])
        assert.include(JSON.stringify(theirsOf(slot.appid)), "new")
        // the old one, written late by an instance that was frozen before its sharing, is found out as well
        server.put(collection, { _id: id(slot.appid), ...theirs[0]!.content("old", Date.now()) })
        assert.strictEqual(tokenOf(yield* slot.read), "new")
        assert.include(JSON.stringify(theirsOf(slot.appid)), "new")
      }).pipe(Effect.scoped)
    )
  })
}

const storeOver: Readonly<Record<string, (database: UniDatabase) => Store>> = {
  "the database": DatabaseTokenCache.layer,
  "opendb-open-data": OpenDataTokenCache.layer,
  "vk-global-data": VkTokenCache.layer
}

/** What is awaited before and after each operation of an {@link interposed} database. */
type At = (operation: Operation, when: "before" | "after") => Promise<void>

/** A connection to the database that can be held up, or broken, around each operation. */
const interposed = (database: UniDatabase, at: At): UniDatabase => {
  const around = async <A>(operation: Operation, run: () => Promise<A>): Promise<A> => {
    await at(operation, "before")
    const result = await run()
    await at(operation, "after")
    return result
  }
  return {
    collection: (name) => {
      const collection = database.collection(name)
      return {
        add: (document) => around("add", () => collection.add(document)),
        doc: (id) => ({ get: () => around("get", () => collection.doc(id).get()) }),
        where: (equal) => ({
          updateAndReturn: (change) => around("updateAndReturn", () => collection.where(equal).updateAndReturn(change)),
          remove: () => around("remove", () => collection.where(equal).remove())
        })
      }
    }
  }
}

/** A holder's fetch from the lease to the writing, with a lease that ends soon. */
const fetchAs = Effect.fnUntraced(function* (
  slot: Effect.Success<ReturnType<typeof instance>>,
  token: string,
  generation: number
) {
  if (!(yield* slot.lease(token, generation, 100))) return undefined
  return yield* slot.write(token, generation, token)
})

/** The same by somebody who waits until the other's lease is over. */
const fetchAfter = Effect.fnUntraced(function* (slot: Effect.Success<ReturnType<typeof instance>>, token: string) {
  for (;;) {
    const { generation } = yield* slot.read
    const written = yield* fetchAs(slot, token, generation)
    if (written !== undefined) return written
    yield* Effect.sleep(20)
  }
})

for (const [name, make] of Object.entries(storeOver)) {
  describe(`T2, T9: ${name}, whatever happens in the middle`, () => {
    /** One fetch for each step of a fetch, at which `event` happens; then another holder's. Gives how many steps there are. */
    const everyStep = Effect.fnUntraced(function* (
      before: string | undefined,
      event: (release: Promise<void>) => Promise<void>
    ) {
      const steps = Effect.fnUntraced(function* (step: number) {
        let begun = false
        let count = 0
        let release = () => {}
        let reached = () => {}
        const released = new Promise<void>((resolve) => (release = resolve))
        const arrived = new Promise<void>((resolve) => (reached = resolve))
        const held = yield* instance(
          make(
            interposed(database(), async () => {
              if (!begun || ++count !== step) return
              reached()
              await event(released)
            })
          )
        )
        const other = yield* instance(make(database()), held.appid)
        if (before !== undefined) yield* put(other, before)
        const { generation: seen } = yield* other.read
        begun = true
        const first = yield* Effect.forkChild(Effect.result(fetchAs(held, "first", seen)), { startImmediately: true })
        yield* Effect.raceFirst(
          Effect.promise(() => arrived),
          Effect.exit(Fiber.join(first))
        )
        const generation = yield* fetchAfter(other, "second")
        release()
        yield* Fiber.join(first)
        const found = yield* other.read
        assert.deepStrictEqual([tokenOf(found), found.generation], ["second", generation], `step ${step}`)
        for (const { collection, id } of formats) {
          if (collection !== name) continue
          assert.include(JSON.stringify(server.dump(collection)[id(held.appid)]), "second", `step ${step}`)
        }
        // and it goes on from there
        yield* put(other, "third")
        assert.strictEqual(tokenOf(yield* other.read), "third")
        return count >= step
      }, Effect.scoped)
      const some = Array.from({ length: 24 }, (_, i) => i + 1)
      const reached = yield* Effect.forEach(some, steps, { concurrency: 10 })
      assert.isAtLeast(reached.filter(Boolean).length, 8)
    })

    for (const [what, before] of [
      ["in the beginning", undefined],
      ["in the place of another token", "before"]
    ] as const) {
      it.live(`an instance frozen at each await and thawed later, ${what}`, () =>
        everyStep(before, (released) => released)
      )

      it.live(`an operation that fails before it is done, or after, ${what}`, () =>
        everyStep(before, () => Promise.reject(Object.assign(new Error("theToken"), { errCode: "SYS_ERR" })))
      )
    }
  })
}

for (const [name, make] of Object.entries(storeOver)) {
  it.live(`T9: ${name}: an operation whose caller has gone changes nothing`, () =>
    Effect.gen(function* () {
      const changes: Array<Operation> = []
      let reading = () => {}
      const held = new Promise<void>((resolve) => (reading = resolve))
      let answer = () => {}
      const answered = new Promise<void>((resolve) => (answer = resolve))
      let begun = false
      const slot = yield* instance(
        make(
          interposed(database(), async (operation, when) => {
            if (!begun || when === "after") return
            if (operation !== "get") return void changes.push(operation)
            reading()
            await answered
          })
        )
      )
      begun = true
      const leasing = yield* Effect.forkChild(slot.lease("a", 0), { startImmediately: true })
      yield* Effect.promise(() => held)
      yield* Fiber.interrupt(leasing)
      answer()
      // these go the same way behind it
      for (let i = 0; i < 3; i++) assert.strictEqual((yield* slot.read).leasedFor, 0)
      assert.deepStrictEqual(changes, [])
    }).pipe(Effect.scoped)
  )
}

const problem = (store: Store) =>
  Effect.flip(
    Effect.provide(
      Effect.flatMap(TokenCache, (cache) => cache.read("1112345678:x")),
      store
    )
  )

describe("errors", () => {
  it.live("count as such on the provider that gives them as answers", () =>
    Effect.gen(function* () {
      const asAnswer = (): Promise<any> => Promise.resolve({ code: "DATABASE_COLLECTION_NOT_EXIST", message: "" })
      const answering: UniDatabase = {
        collection: () => ({
          add: asAnswer,
          doc: () => ({ get: asAnswer }),
          where: () => ({ updateAndReturn: asAnswer, remove: asAnswer })
        })
      }
      for (const layer of Object.values(storeOver)) {
        assert.match((yield* problem(layer(answering))).message, /the collection .* does not exist/)
      }
      // and one that goes away later is an outage, which names it too
      for (const layer of Object.values(storeOver)) {
        let missing = false
        const mortal = interposed(database(), () =>
          missing ? Promise.reject(new Error("not found collection")) : Promise.resolve()
        )
        const slot = yield* instance(layer(mortal))
        missing = true
        assert.match((yield* Effect.flip(slot.read)).message, /TokenCache.read: the collection .* does not exist/)
      }
    })
  )

  it.live("name a missing collection and the step that creates it, in both languages", () =>
    Effect.gen(function* () {
      yield* Effect.promise(async () => {
        await using empty = await startDatabase()
        for (const layer of Object.values(storeOver)) {
          const error: any = await Effect.runPromise(problem(layer(connect(empty.url))))
          assert.match(error.message, /the collection (qq-mini-tokens|opendb-open-data|vk-global-data) does not exist/)
          assert.include(error.message, "uniCloud web console")
          assert.include(error.message, "新建")
        }
        const other = await Effect.runPromise(
          problem(DatabaseTokenCache.layer(connect(empty.url), { collection: "mine" }))
        )
        assert.include(other.message, "the collection mine does not exist")
      })
    })
  )

  it.live("come of no collection where the first document makes it", () =>
    Effect.gen(function* () {
      const added: Array<unknown> = []
      const making: UniDatabase = {
        collection: () => ({
          add: async (document) => added.push(document),
          doc: () => ({ get: () => (added.length > 0 ? Promise.resolve({ data: [] }) : absent()) }),
          where: () => ({ updateAndReturn: absent, remove: async () => ({ deleted: 1 }) })
        })
      }
      const absent = (): Promise<never> => Promise.reject(new Error("not found collection"))
      const slot = yield* instance(DatabaseTokenCache.layer(making))
      assert.strictEqual((yield* slot.read).generation, 0)
      assert.deepStrictEqual(added, [{ _id: "qq-mini:probe" }])
    }).pipe(Effect.scoped)
  )

  it.live("show the database's code, and nothing of what it says", () =>
    Effect.gen(function* () {
      const failing = interposed(database(), () =>
        Promise.reject(Object.assign(new Error("the token theToken"), { errCode: "SYS_ERR" }))
      )
      const error = yield* problem(DatabaseTokenCache.layer(failing))
      assert.strictEqual(error.message, "TokenCache.read: SYS_ERR")
    })
  )

  it.live("name the extension that redis needs, and what redis says by its code", () =>
    Effect.gen(function* () {
      const disabled = yield* problem(
        RedisStores.layer(() => {
          throw new Error("redis extension is not enabled")
        })
      )
      assert.match(disabled.message, /uni-cloud-redis.*package\.json/)
      assert.include(disabled.message, "开通 Redis")
      const failing = yield* problem(
        RedisStores.layer(() => ({
          eval: () => Promise.reject(new Error("NOAUTH Authentication required: redis://user:pass@host"))
        }))
      )
      assert.strictEqual(failing.message, "TokenCache.read: NOAUTH")
    })
  )
})

describe("uni-open-bridge-common", () => {
  it.live("is given the program, the token and seconds, and asked for what others put there", () =>
    Effect.gen(function* () {
      const { bridge, calls, kept } = openBridge()
      const slot = yield* instance(OpenBridgeTokenCache.layer(database(), bridge, (appid) => `__UNI__${appid}`))
      const key = { dcloudAppid: `__UNI__${slot.appid}`, provider: "qq-mp" }
      yield* put(slot, "ours", 7_200_000)
      const [given, value, seconds] = calls[0] as [unknown, unknown, number]
      assert.deepStrictEqual([given, value], [key, { access_token: "ours" }])
      assert.isTrue(seconds > 7_190 && seconds <= 7_200 && Number.isInteger(seconds))
      kept.set(slot.appid, { value: { access_token: "theirs" }, ends: Date.now() + minute })
      const found = yield* slot.read
      assert.deepStrictEqual([tokenOf(found), found.lifetime], ["theirs", 240_000])
      assert.isTrue(yield* slot.remove(found.generation))
      assert.isFalse(kept.has(slot.appid))
      // for an app whose program is another one, its token is nobody's business
      const other = yield* instance(OpenBridgeTokenCache.layer(database(), bridge, () => `__UNI__${slot.appid}`))
      const error = yield* Effect.flip(other.read)
      assert.include(error.message, "uni-open-bridge-has-another-appid-for-this-app")
    }).pipe(Effect.scoped)
  )
})

describe("session keys of uni-id-co", () => {
  it.live("are read as text and as object, until their time is over", () =>
    Effect.gen(function* () {
      const [appid, openid] = ["1112345678", "OPENID"]
      const read = Effect.map(sessionKey(database(), { appid, openid }), (key) =>
        key === undefined ? undefined : Redacted.value(key)
      )
      const put = (value: unknown, expired: number) =>
        server.put("opendb-open-data", { _id: `uni-id:qq-mp:${appid}:${openid}:session-key`, value, expired })
      assert.isUndefined(yield* read)
      put(JSON.stringify({ session_key: "key1" }), Date.now() + minute)
      assert.strictEqual(yield* read, "key1")
      put({ session_key: "key2" }, -1)
      assert.strictEqual(yield* read, "key2")
      put({ session_key: "key3" }, Date.now() - 1)
      assert.isUndefined(yield* read)
      for (const odd of ["{", "null", 7, { session_key: 7 }]) {
        put(odd, -1)
        assert.isUndefined(yield* read)
      }
      assert.strictEqual(yield* Effect.promise(() => readSessionKey(database(), { appid, openid })), undefined)
    })
  )
})
