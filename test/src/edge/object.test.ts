/** The Durable Object's class with a state made by the test: when its alarm renews the token, and when it does not. */
import * as AccessToken from "@qq-mini/core/AccessToken"
import { redact } from "@qq-mini/core/App"
import * as TokenCache from "@qq-mini/core/TokenCache"
import { createQQMini, QQTokens } from "@qq-mini/edge"
import * as FetchTransport from "@qq-mini/edge/FetchTransport"
import type { Options } from "@qq-mini/edge/QQTokens"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Layer from "effect/Layer"
import { inspect } from "node:util"
import { assert, describe, it, onTestFinished, vi } from "vitest"

const [{ appid, appsecret }] = Sandbox.defaultPrograms
const secret = String(appsecret)

/** An object with a token that has a second to live, written by a Worker. */
const withToken = async (
  sandbox: SandboxServer.Running,
  { options = {}, keyed = secret }: { readonly options?: Options; readonly keyed?: string } = {}
) => {
  const kept = new Map<string, unknown>()
  const alarms: Array<number> = []
  const state = {
    blockConcurrencyWhile: <A>(f: () => Promise<A>) => f(),
    storage: {
      get: (name: string) => Promise.resolve(kept.get(name)),
      put: (name: string, value: unknown) => Promise.resolve(void kept.set(name, value)),
      setAlarm: (time: number) => Promise.resolve(void alarms.push(time))
    }
  }
  class Tokens extends QQTokens {
    override readonly options = options
  }
  const object = new Tokens(state, { QQ_APPID: appid, QQ_APPSECRET: secret, QQ_BASE_URL: sandbox.url })
  await Promise.resolve()
  const key = AccessToken.keyOf({ appid, appsecret: redact(keyed) }, sandbox.url)
  const ask = async (operation: string, more: object = {}): Promise<any> => {
    const body = JSON.stringify({ operation, key, ...more })
    return (await object.fetch(new Request("https://qq-mini", { method: "POST", body }))).json()
  }
  await ask("lease", { owner: "a", generation: 0, ttl: 6_000 })
  await ask("write", { owner: "a", generation: 0, token: "theFirst", ttl: 1_200, history: "" })
  return { object, alarms, ask, fetches: () => sandbox.run((platform) => platform.count("auth.getAccessToken")) }
}

// the time until it is due
const due = () => new Promise((resolve) => setTimeout(resolve, 100))

describe("the alarm of a Durable Object", () => {
  it("T8: renews with the secret in env, and tells what it did", async () => {
    await using sandbox = await SandboxServer.start()
    const events: Array<string> = []
    const { alarms, ask, fetches, object } = await withToken(sandbox, {
      options: { onTokenEvent: ({ _tag }) => events.push(_tag) }
    })
    assert.lengthOf(alarms, 1)
    await due()
    await object.alarm()
    assert.strictEqual(await fetches(), 1)
    assert.deepStrictEqual(events, ["Renewed"])
    assert.notStrictEqual((await ask("read")).token, "theFirst")
    // the next one is set, and comes too early for a token of two hours
    assert.lengthOf(alarms, 2)
    await object.alarm()
    assert.strictEqual(await fetches(), 1)
    assert.strictEqual(alarms[2], alarms[1])
  })

  it("T8: leaves alone what nobody read since it was written, and renews what was", async () => {
    vi.useFakeTimers({ toFake: ["Date"] })
    onTestFinished(() => void vi.useRealTimers())
    const pass = (millis: number) => vi.setSystemTime(Date.now() + millis)
    await using sandbox = await SandboxServer.start()
    const { ask, fetches, object } = await withToken(sandbox)
    pass(1_100)
    await object.alarm()
    assert.strictEqual(await fetches(), 1)
    // its end is near
    pass(7_000_000)
    await object.alarm()
    assert.strictEqual(await fetches(), 1)
    await ask("read")
    await object.alarm()
    assert.strictEqual(await fetches(), 2)
  })

  it("leaves alone what belongs to another secret", async () => {
    await using sandbox = await SandboxServer.start()
    const { ask, fetches, object } = await withToken(sandbox, { keyed: "another" })
    await due()
    await object.alarm()
    assert.strictEqual(await fetches(), 0)
    assert.strictEqual((await ask("read")).token, "theFirst")
  })

  it("is set again when the renewal failed, and the present token goes on", async () => {
    await using sandbox = await SandboxServer.start()
    const endpoint = "auth.getAccessToken"
    await sandbox.run((platform) => platform.fault({ kind: "code", code: -1, endpoint, times: 9 }))
    const busy = await withToken(sandbox)
    await due()
    await busy.object.alarm()
    assert.lengthOf(busy.alarms, 2)
    assert.isAbove(busy.alarms[1]!, Date.now())
    // what only people can change is not asked again
    await sandbox.run((platform) =>
      Effect.andThen(platform.heal, platform.fault({ kind: "code", code: 40001, endpoint }))
    )
    const wrong = await withToken(sandbox)
    await due()
    await wrong.object.alarm()
    assert.lengthOf(wrong.alarms, 1)
    assert.strictEqual((await wrong.ask("read")).token, "theFirst")
  })

  it("is not set where renewal is switched off", async () => {
    await using sandbox = await SandboxServer.start()
    assert.lengthOf((await withToken(sandbox, { options: { renewal: false } })).alarms, 0)
  })
})

it("T8: the option waitUntil takes the renewal where each call is by itself", async () => {
  await using sandbox = await SandboxServer.start()
  // a store whose token is always near its end
  const ending = Layer.effect(
    TokenCache.TokenCache,
    Effect.map(TokenCache.makeMemory, (cache) =>
      TokenCache.TokenCache.of({
        ...cache,
        read: (key) =>
          Effect.map(cache.read(key), (slot) =>
            slot.token === undefined ? slot : { ...slot, lifetime: 10_000, expiresIn: 800 }
          )
      })
    )
  )
  const [memory] = await Effect.runPromise(Effect.scoped(Effect.map(Layer.build(ending), (context) => [context])))
  const store = Layer.succeedContext(memory!)
  const program = { appid, appsecret: secret, baseUrl: sandbox.url, store }
  await createQQMini(program).security.msgSecCheck({ content: "x" })
  const work: Array<Promise<unknown>> = []
  const qq = createQQMini({ ...program, runs: "request", waitUntil: (one) => void work.push(one) })
  // the first call looks for the token, the second begins the renewal
  await qq.security.msgSecCheck({ content: "x" })
  await qq.security.msgSecCheck({ content: "x" })
  await qq.security.msgSecCheck({ content: "x" })
  assert.lengthOf(work, 2)
  await Promise.all(work)
  assert.strictEqual(await sandbox.run((platform) => platform.count("auth.getAccessToken")), 2)
})

it("close waits for the calls on their way, but for none that its runtime may have forgotten", async () => {
  await using sandbox = await SandboxServer.start()
  const program = { appid, appsecret: secret, baseUrl: sandbox.url }
  let answer = () => {}
  const held = new Promise<void>((resolve) => (answer = resolve))
  const slow = (input: string, init: RequestInit) => held.then(() => fetch(input, init))
  const shared = createQQMini({ ...program, fetch: slow, runs: "process" })
  const apart = createQQMini({ ...program, fetch: slow, runs: "request" })
  const calls = [shared, apart].map((qq) => qq.security.msgSecCheck({ content: "x" }))
  await apart.close()
  const closed = shared.close()
  assert.strictEqual(await Promise.race([closed.then(() => "closed"), Promise.resolve("waits")]), "waits")
  answer()
  assert.deepStrictEqual(await Promise.all(calls), [{ risky: false }, { risky: false }])
  await closed
})

it("S1: of what fetch throws only names go on", async () => {
  const thrown = Object.assign(new TypeError("failed: https://api.q.qq.com/x?access_token=SECRET"), {
    code: "ECONNRESET",
    cause: new Error("https://api.q.qq.com/x?access_token=SECRET")
  })
  const request = {
    method: "GET",
    origin: "https://api.q.qq.com",
    path: "/x",
    query: [["access_token", Redacted.make("SECRET")]],
    headers: {},
    body: undefined,
    timeout: 5_000,
    maxBytes: 1_000,
    atMostOnce: false
  } as const
  const error = await Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(
        FetchTransport.make(() => Promise.reject(thrown)),
        ({ send }) => Effect.flip(send(request))
      )
    )
  )
  const shown = inspect(error, { depth: 9 })
  assert.include(shown, "ECONNRESET")
  assert.notInclude(shown, "SECRET")
})
