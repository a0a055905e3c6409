/** Options and variables of `createQQMini` for edge runtimes: what is wrong with them is said, and where. */
import * as Security from "@qq-mini/core/Security"
import { createQQMini, isQQError } from "@qq-mini/edge"
import * as EdgeQQMini from "@qq-mini/edge/EdgeQQMini"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { assert, describe, it } from "vitest"

const [first, second] = Sandbox.defaultPrograms
const program = { appid: first.appid, appsecret: String(first.appsecret) }

const thrown = (make: () => unknown): string => {
  try {
    make()
  } catch (error) {
    return isQQError(error) ? error.message : String(error)
  }
  return "nothing"
}

describe("createQQMini", () => {
  it.each<[EdgeQQMini.Options, RegExp]>([
    [{}, /appid: is missing: give appid and appsecret, or apps/],
    [{ env: {} }, /QQ_APPID: is not set: set QQ_APPID and QQ_APPSECRET, or list a program in QQ_APPS/],
    [{ env: { QQ_APPID: "1" } }, /QQ_APPSECRET: is missing; it is required together with QQ_APPID/],
    [{ env: { QQ_APPID: "1", QQ_APPSECRET: "" } }, /QQ_APPSECRET: is missing; it is required together with QQ_APPID/],
    [{ env: { QQ_APPS: "{" } }, /QQ_APPS: must be a JSON list/],
    [{ env: { QQ_APPS: '[{"appid":"1"}]' } }, /QQ_APPS: must be a JSON list/],
    [{ env: { QQ_APPS: "[]" } }, /QQ_APPID: is not set/],
    [
      { env: { QQ_APPID: "1", QQ_APPSECRET: "s", QQ_BASE_URL: "api.q.qq.com" } },
      /baseUrl \(QQ_BASE_URL\): must be an address/
    ],
    [{ appid: "1" }, /appsecret: is missing; it is required together with appid/],
    [{ appsecret: "s" }, /appid: is missing; it is required together with appsecret/],
    [{ ...program, deadline: 0 }, /deadline: must be a number of milliseconds above 0/],
    [{ ...program, attempts: 0.5 }, /attempts: must be a whole number/],
    [{ ...program, baseUrl: "http://" }, /baseUrl .*must be an address/],
    [{ ...program, runs: "alone" as never }, /runs: must be process or request/]
  ])("%j", (options, expected) => {
    const told = thrown(() => createQQMini(options))
    assert.match(told, expected)
    assert.match(told, /[一-鿿]/)
  })

  it("takes programs from variables, one or many, and the options before them", async () => {
    await using sandbox = await SandboxServer.start()
    const both = JSON.stringify([program, { appid: second.appid, appsecret: String(second.appsecret) }])
    const env = { QQ_APPS: both, QQ_BASE_URL: sandbox.url }
    await using qq = createQQMini({ env })
    await qq.security.msgSecCheck({ content: "x" })
    await qq.app(second.appid).security.msgSecCheck({ content: "x" })
    await using other = createQQMini({ env, appid: second.appid, appsecret: String(second.appsecret) })
    await other.security.msgSecCheck({ content: "x" })
    const log = await sandbox.run((platform) => platform.log)
    assert.deepStrictEqual(
      log.filter(({ endpoint }) => endpoint === "security.msgSecCheck").map(({ appid }) => appid),
      [first.appid, second.appid, second.appid]
    )
  })

  it("calls with the fetch that is given, by itself, and follows no redirect", async () => {
    const asked: Array<RequestInit> = []
    const given = function (this: unknown, input: string, init: RequestInit): Promise<Response> {
      assert.strictEqual(this, undefined)
      assert.include(input, "/api/")
      asked.push(init)
      return Promise.resolve(
        new Response("<html>moved</html>", { status: 302, headers: { location: "http://elsewhere" } })
      )
    }
    await using qq = createQQMini({ ...program, fetch: given })
    const error = await qq.security.msgSecCheck({ content: "x", access_token: "mine" }, { attempts: 1 }).catch((e) => e)
    assert.deepInclude(error.reason, { _tag: "UnreadableAnswer", found: "html", status: 302 })
    assert.lengthOf(asked, 1)
    assert.deepInclude(asked[0], { redirect: "manual", cache: "no-store", method: "POST" })
    assert.notProperty(asked[0]!.headers, "content-length")
  })

  it.each([
    ["the global fetch", undefined],
    ["a wrapper of it", (url: string, init: RequestInit) => globalThis.fetch(url, init)]
  ])(
    "D1: keeps a runtime from repeating what must not be done twice, and closes what it needs: %s",
    async (_, given) => {
      const { fetch } = globalThis
      const inits: Array<RequestInit & { client?: unknown }> = []
      let closed = 0
      const client = { close: () => closed++ }
      Object.assign(globalThis, { Deno: { createHttpClient: () => client } })
      globalThis.fetch = (url, init) => {
        inits.push(init!)
        return Promise.resolve(new Response(String(url).includes("security") ? '{"errCode":0}' : '{"errcode":0}'))
      }
      try {
        const qq = createQQMini({ ...program, fetch: given })
        await qq.security.msgSecCheck({ content: "x", access_token: "mine" })
        await qq.subscribeMessage.send({
          touser: "X",
          template_id: "T",
          data: { keyword1: { value: "x" } },
          access_token: "mine"
        })
        await qq.close()
      } finally {
        globalThis.fetch = fetch
        Reflect.deleteProperty(globalThis, "Deno")
      }
      assert.deepStrictEqual(
        inits.map((init) => init.client),
        [undefined, client]
      )
      assert.strictEqual(closed, 1)
    }
  )
})

it.each(["before its answer came", "while its answer comes"])(
  "I2: a fetch that knows nothing of the signal has its answer cancelled, when the call ended %s",
  async (when) => {
    let cancelled = () => {}
    const end = new Promise<void>((resolve) => (cancelled = resolve))
    const abort = new AbortController()
    const endless = async () => {
      if (when.startsWith("before")) abort.abort()
      return new Response(new ReadableStream({ cancel: cancelled }))
    }
    const qq = createQQMini({ ...program, fetch: endless })
    const call = qq.security.msgSecCheck({ content: "x", access_token: "mine" }, { signal: abort.signal })
    if (when.startsWith("while")) setTimeout(() => abort.abort(), 50)
    assert.strictEqual(await call.catch((error) => error.name), "AbortError")
    await end
  }
)

it("as a layer it needs nothing else, and building it sends nothing", async () => {
  await using sandbox = await SandboxServer.start()
  const events: Array<string> = []
  const runtime = ManagedRuntime.make(
    EdgeQQMini.layer({ ...program, baseUrl: sandbox.url, onTokenEvent: ({ _tag }) => events.push(_tag) })
  )
  // in one step, so that no request waits for another's building
  runtime.runSync(Effect.void)
  assert.isDefined(runtime.cachedContext)
  assert.lengthOf(await sandbox.run((platform) => platform.log), 0)
  assert.deepStrictEqual(await runtime.runPromise(Security.msgSecCheck({ content: "x" })), { risky: false })
  assert.deepStrictEqual(events, ["Fetched"])
  await runtime.dispose()
})
