/** On Node requests go through a proxy: one that is named, or that of the environment; or through an own dispatcher. */
import { createQQMini, QQError } from "@qq-mini/node"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import { Agent } from "undici"
import { afterEach, assert, describe, it, vi } from "vitest"
import { first } from "./support/calls.ts"
import { nobodyThere } from "./support/nobodyThere.ts"
import { startProxy } from "./support/proxy.ts"

const checkOn = async (options: object) => {
  await using sandbox = await SandboxServer.start()
  await using qq = createQQMini({ ...first, store: "memory", baseUrl: sandbox.url, ...options })
  return qq.security.msgSecCheck({ content: "x" })
}

describe("a proxy", () => {
  afterEach(() => vi.unstubAllEnvs())

  it("is the one of the options, with its password, whatever the environment says", async () => {
    await using proxy = await startProxy()
    vi.stubEnv("HTTP_PROXY", nobodyThere)
    vi.stubEnv("NO_PROXY", "127.0.0.1")
    assert.deepStrictEqual(await checkOn({ proxy: proxy.url("user:password@") }), { risky: false })
    assert.isAtLeast(proxy.carried(), 1)
    assert.deepStrictEqual([...proxy.seen], [`Basic ${btoa("user:password")}`])
  })

  it("is that of the environment, but for hosts that NO_PROXY names", async () => {
    await using proxy = await startProxy()
    vi.stubEnv("HTTP_PROXY", proxy.url())
    assert.deepStrictEqual(await checkOn({}), { risky: false })
    const carried = proxy.carried()
    assert.isAtLeast(carried, 1)
    vi.stubEnv("NO_PROXY", "127.0.0.1")
    assert.deepStrictEqual(await checkOn({}), { risky: false })
    assert.strictEqual(proxy.carried(), carried)
  })

  it("that is not there: nothing was sent, and its password is not shown", async () => {
    const proxy = nobodyThere.replace("//", "//user:thePassword@")
    const error = await checkOn({ proxy, attempts: 1 }).catch((error: QQError) => error)
    if (!(error instanceof QQError)) assert.fail("was expected to fail")
    assert.strictEqual(error.reason._tag, "ConnectionFailed")
    assert.notInclude(error.message, "thePassword")
  })

  it("that can't be one is refused: at once in the options, with the first call in the environment", async () => {
    assert.throws(() => createQQMini({ ...first, proxy: "socks5://x:thePassword@y" }), /proxy: must be the address/)
    assert.throws(() => createQQMini({ ...first, dispatcher: {} as any }), /dispatcher: must be/)
    vi.stubEnv("HTTPS_PROXY", "10.0.0.1:3128")
    const error: unknown = await checkOn({}).catch((error: unknown) => error)
    assert.match(String(error), /HTTPS_PROXY: must be the address/)
  })
})

it("a dispatcher of one's own sends everything, and stays open", async () => {
  const dispatcher = new Agent()
  let sent = 0
  const counted = dispatcher.compose((dispatch) => (options, handler) => {
    sent++
    return dispatch(options, handler)
  })
  assert.deepStrictEqual(await checkOn({ dispatcher: counted }), { risky: false })
  assert.deepStrictEqual(await checkOn({ dispatcher: counted }), { risky: false })
  assert.strictEqual(sent, 4)
  await dispatcher.close()
})
