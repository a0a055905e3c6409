/** The model of vk beside the record of vk: 30 calls of vk-unicloud 2.25.1, with what QQ said in them. */
import { assert, describe, it } from "vitest"
import { Exchange } from "./exchange.ts"
import { makeVk, type Token } from "./model.ts"
import { recorded, type Recorded, scriptOf } from "./recorded.ts"

describe("the model of vk 2.25.1", () => {
  const tokens = new Map<string, Token>()
  let exchange: Exchange
  const q = makeVk({
    uniId: { "mp-qq": { oauth: { qq: { appid: "A1", appsecret: "S1" } } } },
    vkUnicloud: { vk: { crypto: { aes: "AES-KEY" }, oauth: { qq: { list: [{ appid: "A2", appsecret: "S2" }] } } } },
    dcloudAppid: undefined,
    tokens,
    now: () => 0,
    send: (request, timeout) => exchange.send(request, timeout)
  })
  const store = new Proxy({}, { set: () => (tokens.clear(), true) })

  const written = (value: any): object => {
    if (value === undefined) return { result: "$undefined" }
    if (Buffer.isBuffer(value)) {
      const { code, msg } = value as Buffer & { code?: unknown; msg?: unknown }
      return { result: { $buffer: value.length, code, msg } }
    }
    if (typeof value !== "object") return { result: value }
    if ("res" in value) {
      const { code, data, msg } = value
      return { result: { $rawUrllibResponse: true, keys: Object.keys(value), code, msg, data } }
    }
    return { result: typeof value.encryptedKey === "string" ? { ...value, encryptedKey: "<aes base64>" } : value }
  }
  const thrown = (error: any): object => {
    const message = error.message.replace(/on string '[^<][^]*'$/, "on string '<binary>'")
    return { throws: `${error.constructor.name} name=${error.name} code=${error.code}: ${message}` }
  }

  const outcomeOf = (call: () => unknown): object => {
    try {
      return written(call())
    } catch (error) {
      return thrown(error)
    }
  }

  /** Makes a recorded call, and writes down what came of it as the record does. */
  const replay = (one: Recorded) => {
    exchange = new Exchange(scriptOf(one))
    const end = outcomeOf(() => {
      const value = new Function("q", "store", `return (${one.call.replace("async()", "()")})`)(q, store)
      return typeof value === "function" ? value() : value
    })
    return {
      title: one.title,
      call: one.call,
      requests: exchange.sent.map(({ body, headers, method, url }) => ({
        method,
        url: url.replace("https://api.q.qq.com", ""),
        ...(headers["content-type"] === undefined ? {} : { contentType: headers["content-type"] }),
        body: body.toString("utf8").replace(/filename="\d+\.png"/, 'filename="<epoch_ms>.png"')
      })),
      ...end
    }
  }

  it("does all 30 recorded calls as vk did", () => {
    assert.strictEqual(recorded.length, 30)
    for (const one of recorded) assert.deepStrictEqual(replay(one), one as unknown)
  })
})
