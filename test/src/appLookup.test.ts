/** Programs whose secrets a function looks up, while QQ and the function change under the client. */
import { assert, describe, it } from "@effect/vitest"
import * as App from "@qq-mini/core/App"
import * as AppLookup from "@qq-mini/core/AppLookup"
import * as Auth from "@qq-mini/core/Auth"
import { isQQError } from "@qq-mini/core/QQError"
import type { PromiseClient } from "@qq-mini/core/Promise"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Edge from "@qq-mini/edge/EdgeQQMini"
import * as Node from "@qq-mini/node/NodeQQMini"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as UniCloud from "@qq-mini/unicloud/UniCloudQQMini"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { first, second } from "./support/calls.ts"
import { advanceInSteps, runFor } from "./support/clock.ts"
import { dropped, perRequest } from "./support/serverless.ts"
import { check, fetches } from "./support/token.ts"
import { makeUniCloud } from "./unicloud/unicloud.ts"

/** QQ's programs, whose first secret can be reset, and a database of secrets with a count of its queries. */
const world = () => {
  const secrets = new Map(Sandbox.defaultPrograms.map(({ appid, appsecret }) => [appid, String(appsecret)]))
  const asked: Array<string> = []
  let now = secrets.get(first.appid)!
  const atQQ = {
    ...first,
    get appsecret() {
      return now
    }
  }
  return {
    asked,
    programs: [atQQ, second],
    secrets,
    /** Resets the first program's secret at QQ. The database still has the old one. */
    reset: (secret: string) => void (now = secret),
    find: (appid: string): string | undefined => {
      asked.push(appid)
      return secrets.get(appid)
    }
  }
}

/** A client on a sandbox with these programs. */
const clientOf = (lookup: AppLookup.Lookup, programs = Sandbox.defaultPrograms as ReadonlyArray<Sandbox.Program>) =>
  QQMini.layer.pipe(
    Layer.provideMerge(Layer.merge(Sandbox.layerTransport, AppLookup.layer(lookup, { appid: first.appid }))),
    Layer.provideMerge(Sandbox.layerPlatform({ programs, switches: { oldTokenGrace: 0 } }))
  )

const reasonOf = <A, R>(call: Effect.Effect<A, { readonly reason: { readonly _tag: string } }, R>) =>
  Effect.map(Effect.flip(call), ({ reason }) => reason._tag)

const times = <A, E, R>(count: number, effect: Effect.Effect<A, E, R>) =>
  Effect.forEach(Array.from({ length: count }), () => effect, { concurrency: "unbounded" })

it.effect(
  "callers ask once together, and again after 5 minutes; an unknown appid is asked for again after 5 seconds",
  () => {
    const { asked, find } = world()
    const lookup = (appid: string) =>
      Effect.delay(
        Effect.sync(() => find(appid)),
        "100 millis"
      )
    return Effect.gen(function* () {
      yield* runFor("100 millis", times(50, check))
      assert.deepStrictEqual(asked, [first.appid])
      yield* TestClock.adjust("299 seconds")
      yield* times(50, check)
      assert.lengthOf(asked, 1)
      yield* TestClock.adjust("1 second")
      yield* runFor("100 millis", times(50, check))
      assert.lengthOf(asked, 2)
      const unknown = times(20, reasonOf(App.use(check, "42")))
      for (const count of [3, 3, 4]) {
        assert.deepStrictEqual([...new Set(yield* runFor("100 millis", unknown))], ["UnknownApp"])
        assert.lengthOf(asked, count)
        if (count === 3) yield* TestClock.adjust("2500 millis")
      }
    }).pipe(Effect.provide(clientOf(lookup)))
  }
)

describe("a secret that was reset", () => {
  it.effect("T5: the calls that QQ refuses go on with the new one, also a login", () => {
    const { asked, find, programs, reset, secrets } = world()
    return Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const resetTo = (secret: string) => {
        reset(secret)
        secrets.set(first.appid, secret)
        return sandbox.revokeTokens()
      }
      yield* check
      yield* resetTo("theNewSecret")
      yield* times(10, check)
      assert.lengthOf(asked, 2)
      // one that QQ refuses, and one with the new secret
      assert.strictEqual(yield* fetches, 1 + 2)
      yield* resetTo("theNextSecret")
      yield* Auth.code2Session({ code: (yield* sandbox.login()).code })
      assert.lengthOf(asked, 3)
      yield* resetTo("theLastSecret")
      yield* Auth.getAccessToken({ cache: false })
      assert.lengthOf(asked, 4)
      assert.strictEqual(yield* fetches, 3 + 2)
    }).pipe(Effect.provide(clientOf(find, programs)))
  })

  it.effect(
    "T5: while the function gives the old one, QQ is asked once a minute and the function every 5 seconds",
    () => {
      const { asked, find, programs, reset, secrets } = world()
      return Effect.gen(function* () {
        yield* check
        reset("theNewSecret")
        yield* (yield* Sandbox.Sandbox).revokeTokens()
        for (let second = 0; second < 20; second++) {
          assert.deepStrictEqual([...new Set(yield* times(5, reasonOf(check)))], ["WrongSecret"])
          yield* TestClock.adjust("1 second")
        }
        assert.lengthOf(asked, 1 + 4)
        assert.strictEqual(yield* fetches, 2)
        secrets.set(first.appid, "theNewSecret")
        yield* check
        assert.strictEqual(yield* fetches, 3)
      }).pipe(Effect.provide(clientOf(find, programs)))
    }
  )
})

describe("a function that fails", () => {
  const known = "theSecretItKnows"
  const values: ReadonlyArray<readonly [string, AppLookup.Lookup<never>, string]> = [
    [
      "throws",
      () => {
        throw new TypeError(known)
      },
      "LookupFailed"
    ],
    ["rejects", () => Promise.reject(Object.assign(new Error(known), { code: "ECONNREFUSED" })), "LookupFailed"],
    ["is an Effect that fails", () => Effect.fail(known), "LookupFailed"],
    ["is an Effect that dies", () => Effect.die(known), "LookupFailed"],
    ["is an Effect that is interrupted", () => Effect.interrupt, "LookupFailed"],
    ["never answers", () => new Promise(() => {}), "LookupFailed"],
    ["gives a number", (() => 7) as never, "InvalidConfig"],
    ["gives an object", (() => ({ appsecret: known })) as never, "InvalidConfig"],
    ["gives a blank text", () => " ", "InvalidConfig"]
  ]
  it.effect.each(values)("and %s", ([, lookup, reason]) =>
    Effect.gen(function* () {
      const error = yield* runFor("15 seconds", Effect.flip(check))
      assert.strictEqual(error.reason._tag, reason)
      assert.isAtMost(error.elapsed, 15_000)
      assert.notInclude(error.message, known)
    }).pipe(Effect.provide(clientOf(lookup)))
  )
})

it.effect(
  "T6: a secret stays in use when it can't be looked up again, and one call waits for that, for 2 seconds",
  () => {
    const { asked, find } = world()
    let hangs = false
    const lookup = (appid: string) => (hangs ? Effect.never : Effect.succeed(find(appid)))
    return Effect.gen(function* () {
      yield* check
      hangs = true
      yield* TestClock.adjust("5 minutes")
      const waiting = yield* Effect.forkChild(check, { startImmediately: true })
      yield* times(10, check)
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(waiting)
      hangs = false
      yield* advanceInSteps(20_000)
      yield* check
      assert.lengthOf(asked, 2)
    }).pipe(Effect.provide(clientOf(lookup)))
  }
)

it.effect("D3: a lookup takes from the time of the call, and a function that never answers all of it", () => {
  const { find } = world()
  const lookup = (appid: string) =>
    appid === first.appid
      ? Effect.delay(
          Effect.sync(() => find(appid)),
          "700 millis"
        )
      : Effect.never
  return Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 minute" })
    for (const [appid, tag] of [
      [first.appid, "TimedOut"],
      [second.appid, "LookupFailed"]
    ] as const) {
      const failing = Effect.flip(Auth.getAccessToken({ appid }, { deadline: 1_000 }))
      const fiber = yield* Effect.forkChild(failing, { startImmediately: true })
      yield* advanceInSteps(2_000)
      const { elapsed, reason } = yield* Fiber.join(fiber)
      assert.deepStrictEqual([reason._tag, elapsed], [tag, 1_000])
    }
  }).pipe(Effect.provide(clientOf(lookup)))
})

it.effect("on Workers no request waits for a lookup of another one, which the runtime drops", () => {
  const { find } = world()
  let asked = 0
  const lookup = (appid: string) => (asked++ === 0 ? Effect.never : Effect.succeed(find(appid)))
  return Effect.gen(function* () {
    yield* dropped(check)
    yield* runFor("15 seconds", check)
    assert.strictEqual(asked, 2)
  }).pipe(Effect.provide(clientOf(lookup).pipe(Layer.provide(perRequest))))
})

it.effect("an Effect may need services", () => {
  const lookup = (appid: string) =>
    Effect.map(Sandbox.Sandbox, ({ programs }) => programs.find((program) => program.appid === appid)?.appsecret)
  const client = QQMini.layer.pipe(
    Layer.provide(Layer.merge(Sandbox.layerTransport, AppLookup.layer(lookup))),
    Layer.provideMerge(Sandbox.layerPlatform())
  )
  return check.pipe(App.use(second.appid), Effect.provide(client))
})

it.live("the memory is bounded", () => {
  const asked: Array<string> = []
  const lookup = (appid: string) => void asked.push(appid)
  return Effect.gen(function* () {
    const { credentials } = yield* AppLookup.make(lookup)
    for (let i = 0; i < 10_001; i++) yield* Effect.flip(credentials(String(i)))
    yield* Effect.flip(credentials("10000"))
    assert.lengthOf(asked, 10_001)
    yield* Effect.flip(credentials("0"))
    assert.lengthOf(asked, 10_002)
  }).pipe(Effect.scoped, Effect.provide(perRequest))
})

const uniCloud = makeUniCloud()
const tokenKey = Buffer.alloc(32, 7).toString("base64")
interface Options {
  readonly baseUrl: string
  readonly appid?: string
  readonly appsecret?: string
  readonly apps: AppLookup.Lookup
  readonly secretTtl?: number
  readonly tokenKey: string
}
/** Adapters, and how often two calls at the same time ask. */
const adapters: ReadonlyArray<readonly [string, 1 | 2, (options: Options) => PromiseClient]> = [
  ["Node", 1, (options) => Node.createQQMini({ store: "memory", ...options })],
  ["edge", 1, (options) => Edge.createQQMini(options)],
  ["edge, as on Workers", 2, (options) => Edge.createQQMini({ ...options, runs: "request" })],
  ["uniCloud", 1, (options) => UniCloud.createQQMini({ uniCloud, store: "memory", ...options })]
]

describe.each(adapters)("%s", (_, together, create) => {
  it("finds programs with an async function, and a secret that was reset", async () => {
    const { asked, find, programs, reset, secrets } = world()
    const sandbox = await SandboxServer.start({ programs })
    await using qq = create({
      baseUrl: sandbox.url,
      appid: first.appid,
      apps: (appid) => Promise.resolve(find(appid)),
      tokenKey
    })
    try {
      const tokens = await Promise.all([qq.auth.getAccessToken(), qq.auth.getAccessToken()])
      assert.lengthOf(new Set(tokens), 1)
      assert.lengthOf(asked.splice(1), together - 1)
      assert.deepStrictEqual(await qq.security.msgSecCheck({ content: "x" }), { risky: false })
      assert.deepStrictEqual(await qq.app(second.appid).security.msgSecCheck({ content: "x" }), { risky: false })
      assert.isBelow(await qq.remaining("security.msgSecCheck", { appid: second.appid }), 4_000)
      assert.deepStrictEqual(asked, [first.appid, second.appid])
      reset("theNewSecret")
      secrets.set(first.appid, "theNewSecret")
      await sandbox.run((platform) => platform.revokeTokens())
      assert.deepStrictEqual(await qq.security.msgSecCheck({ content: "x" }), { risky: false })
      assert.deepStrictEqual(asked, [first.appid, second.appid, first.appid])
      const error = await qq
        .app("42")
        .auth.getAccessToken()
        .catch((error: unknown) => error)
      if (!isQQError(error)) assert.fail("no QQError")
      assert.deepStrictEqual([error.reason._tag, error.app], ["UnknownApp", "42"])
    } finally {
      await sandbox.close()
    }
  })

  it("checks the options beside the function", () => {
    const options = { baseUrl: "http://localhost", apps: () => undefined, tokenKey }
    assert.throws(() => create({ ...options, appid: "b a d" }), /appid: must be the program's id/)
    assert.throws(() => create({ ...options, appid: "1", secretTtl: 0 }), /secretTtl: must be a number/)
    assert.throws(() => create({ ...options, appsecret: "x" }), /appid: must be/)
  })
})
