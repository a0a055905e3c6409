/** The objects in the form of uniCloud's own modules: `UniSecCheck`, `UniSubscribemsg`, and `initQQ` of `uni-id-co`. */
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import { createInitQQ, createQQMini, UniSecCheck, UniSubscribemsg } from "@qq-mini/unicloud"
import type { Options } from "@qq-mini/unicloud"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { first, image, newGuest, png, risky, second, template_id } from "../support/calls.ts"
import { makeUniCloud, qqErrorOf } from "./unicloud.ts"

let sandbox: SandboxServer.Running
beforeAll(async () => {
  sandbox = await SandboxServer.start()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

const requests = async (endpoint: string) => sandbox.run((platform) => platform.count(endpoint))
const fault = (fault: Parameters<Parameters<Parameters<typeof sandbox.run>[0]>[0]["fault"]>[0]) =>
  sandbox.run((platform) => platform.fault(fault))

/** A client of one program, or with other options. */
const client = (options: Options = { appid: first!.appid, appsecret: first!.appsecret }) =>
  createQQMini({ uniCloud: makeUniCloud(), store: "memory", baseUrl: sandbox.url, ...options })

/** Two DCloud apps, each with a program of its own, and one without. */
const apps = [
  { dcloudAppid: "__UNI__A", "mp-qq": { oauth: { qq: { appid: first!.appid, appsecret: first!.appsecret } } } },
  { dcloudAppid: "__UNI__B", "mp-qq": { oauth: { qq: { appid: second!.appid, appsecret: second!.appsecret } } } },
  { dcloudAppid: "__UNI__C" }
]
/** Nobody called: `getClientInfos` has nothing, as under a timer. */
const timer = { ...makeUniCloud(), getClientInfos: () => [] }
const several = (uniCloud: Options["uniCloud"] = timer) =>
  client({ uniCloud, configCenter: () => ({ config: () => apps, requireFile: () => undefined }) })

/** The programs that asked for tokens since the last time. */
const programs = async () => {
  const log = await sandbox.run((platform) => platform.log)
  await sandbox.run((platform) => platform.clearLog)
  return log.filter(({ endpoint }) => endpoint === "auth.getAccessToken").map(({ appid }) => appid)
}

describe("UniSecCheck", () => {
  it("a text: QQ's verdict in uni-sec-check's form, whichever version is asked for", async () => {
    const check = new UniSecCheck({ qq: client(), provider: "mp-qq", requestId: "r" })
    assert.strictEqual(check.ErrorCode.RISK_CONTENT, "uni-sec-check-risk-content")
    for (const more of [{}, { openid: "O", scene: 2, version: 2 }]) {
      assert.deepStrictEqual(await check.textSecCheck({ content: "你好", ...more }), {
        errCode: 0,
        errMsg: "ok",
        result: { suggest: "pass", label: "正常" }
      })
      const refused = await check.textSecCheck({ content: risky, ...more })
      assert.deepStrictEqual(
        [refused.errCode, refused.result],
        ["uni-sec-check-risk-content", { suggest: "risky", label: "未知" }]
      )
      assert.include(refused.errMsg, "87014")
    }
  })

  it("an image: from a URL, the cloud's storage, bytes, base64 and a data URL", async () => {
    const bad = png(9, 9)
    await sandbox.run((platform) => platform.markRisky(bad))
    const base64 = Buffer.from(bad).toString("base64")
    const server = createServer((request, response) => {
      if (request.url === "/bad.png") response.end(bad)
      else if (request.url === "/good.png") response.end(image)
      else if (request.url !== "/hangs.png") response.writeHead(404).end(image)
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const uniCloud = {
      ...makeUniCloud(),
      downloadFile: async ({ fileID }: { readonly fileID: string }) => {
        if (fileID === "cloud://space/hangs.png") return new Promise<never>(() => {})
        if (fileID !== "cloud://space/bad.png") throw new Error("no such file")
        return { fileContent: Buffer.from(bad) }
      }
    }
    const { appid, appsecret } = first!
    const check = new UniSecCheck({ qq: client({ appid, appsecret, uniCloud }) })
    const errCode = async (image: unknown) => (await check.imgSecCheck({ image: image as string })).errCode

    for (const one of [`${host}/bad.png`, "cloud://space/bad.png", bad, base64, `data:image/png;base64,${base64}`]) {
      assert.strictEqual(await errCode(one), "uni-sec-check-risk-content")
    }
    assert.deepStrictEqual(await check.imgSecCheck({ image: `${host}/good.png` }), { errCode: 0, errMsg: "ok" })
    const missing = await check.imgSecCheck({ image: `${host}/none.png?sign=a-secret` })
    assert.strictEqual(missing.errCode, "uni-sec-check-invalid-request-url")
    assert.notInclude(missing.errMsg, "a-secret")
    // D3: a download that hangs ends with the deadline
    for (const image of [`${host}/hangs.png`, "cloud://space/hangs.png"]) {
      const hanging = await check.imgSecCheck({ image }, { deadline: "1 second" })
      assert.strictEqual(hanging.errCode, "uni-sec-check-invalid-request-url")
    }
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    assert.strictEqual(await errCode(`${host}/good.png`), "uni-sec-check-invalid-request-url")
    assert.strictEqual(await errCode("cloud://space/none.png"), "uni-sec-check-invalid-request-url")
    assert.strictEqual(await errCode(new Uint8Array()), "uni-sec-check-empty-image")
    assert.strictEqual(await errCode(Buffer.from("text")), "uni-sec-check-invalid-file-type")
    assert.strictEqual(await errCode(png(2_000, 10)), "uni-sec-check-invalid-image-size")
    assert.strictEqual(await errCode(7), "uni-sec-check-invalid-request-param")
    assert.strictEqual(await errCode(undefined), "uni-sec-check-param-required")
  })

  it("what can't be sent has its code, and nothing is sent", async () => {
    const check = new UniSecCheck({ qq: client() })
    const before = await requests("security.msgSecCheck")
    const errCode = async (content: unknown) => (await check.textSecCheck({ content: content as string })).errCode
    assert.strictEqual(await errCode(undefined), "uni-sec-check-param-required")
    assert.strictEqual(await errCode(""), "uni-sec-check-empty-content")
    assert.strictEqual(await errCode("x".repeat(500 * 1024 + 1)), "uni-sec-check-invalid-request-param")
    assert.strictEqual(await requests("security.msgSecCheck"), before)
  })

  // codes of QQ's, by the call that answers with them
  it.each([
    ["security.msgSecCheck", -1, "uni-sec-check-system-error"],
    ["auth.getAccessToken", 40001, "uni-sec-check-invalid-appsecret"],
    ["auth.getAccessToken", 40013, "uni-sec-check-invalid-appid"],
    ["security.msgSecCheck", 40001, "uni-sec-check-invalid-access-token"],
    ["security.msgSecCheck", 45009, "uni-sec-check-invoke-out-of-limit"],
    ["security.msgSecCheck", 40035, "uni-sec-check-invalid-request-param"],
    ["security.msgSecCheck", -13010, "uni-sec-check-mp-qq--13010"]
  ])("%s answers %i: %s", async (endpoint, code, expected) => {
    await fault({ kind: "code", endpoint, code, times: 9 })
    const { errCode, errMsg, ...rest } = await new UniSecCheck({ qq: client() }).textSecCheck({ content: "你好" })
    await sandbox.run((platform) => platform.heal)
    assert.deepStrictEqual([errCode, rest], [expected, {}])
    assert.match(errMsg, /[一-鿿]/)
  })

  it("C1: without QQ's word there is no result", async () => {
    const check = new UniSecCheck({ qq: client() })
    for (const kind of ["empty", "html502", "wrongCase", "slowHeaders"] as const) {
      await fault({ kind, endpoint: "security.msgSecCheck", times: 9 })
      const error = await qqErrorOf(check.textSecCheck({ content: "你好" }, { deadline: 1_000 }))
      assert.include(["UnreadableAnswer", "TimedOut"], error.reason._tag)
      await sandbox.run((platform) => platform.heal)
    }
  })

  it("takes only a client, and no other platform", () => {
    assert.throws(() => new UniSecCheck({} as never), /InvalidConfig.*qq.*createQQMini/)
    assert.throws(() => new UniSecCheck(undefined as never), /createQQMini/)
    assert.throws(() => new UniSecCheck({ qq: client(), provider: "mp-weixin" }), /provider.*mp-qq/)
  })
})

describe("UniSubscribemsg", () => {
  it("gives QQ's number and text, and sends once", async () => {
    const { openid } = await sandbox.run((platform) => newGuest(platform, "a"))
    const messages = new UniSubscribemsg({ qq: client(), dcloudAppid: "__UNI__X", provider: "qq-mp" })
    const message = { touser: openid, template_id, data: { keyword1: { value: "x" } }, lang: "zh_CN" }
    const sent = { errCode: 0, errMsg: "ok", result: { errcode: 0, errmsg: "ok" } }
    assert.deepStrictEqual(await messages.sendSubscribeMessage({ ...message, miniprogram_state: "formal" }), sent)

    const { errCode, errMsg, result } = await messages.sendSubscribeMessage({ ...message, template_id: "none" })
    assert.strictEqual(errCode, 40037)
    assert.deepStrictEqual(result, { errcode: 40037, errmsg: errMsg })
    const stranger = await sandbox.run((platform) => platform.login({ user: "stranger" }))
    assert.strictEqual((await messages.sendSubscribeMessage({ ...message, touser: stranger.openid })).errCode, 46001)

    const form_id = await sandbox.run((platform) => platform.submitForm({ openid }))
    const template = { touser: openid, template_id, form_id, data: { keyword1: { value: "x" } } }
    assert.deepStrictEqual(await messages.sendTemplateMessage(template), sent)
    assert.strictEqual((await messages.sendTemplateMessage(template)).errCode, 41029)

    // D2: nobody can know whether it was sent
    const before = await requests("subscribeMessage.send")
    const other = await sandbox.run((platform) => newGuest(platform, "b"))
    await fault({ kind: "resetAfter", endpoint: "subscribeMessage.send" })
    const unknown = await qqErrorOf(messages.sendSubscribeMessage({ ...message, touser: other.openid }))
    assert.strictEqual(unknown.reason._tag, "OutcomeUnknown")
    assert.strictEqual(await requests("subscribeMessage.send"), before + 1)
    const wrong = await qqErrorOf(messages.sendSubscribeMessage({ ...message, touser: "" }))
    assert.deepInclude(wrong.reason, { _tag: "InvalidInput", field: "touser" })
  })
})

describe("initQQ", () => {
  const uniIdCo = { clientPlatform: "mp-qq", getClientInfo: () => ({ appId: "__UNI__B" }) }

  it("code2Session gives what uni-id-co stores, and rejects what QQ refuses", async () => {
    const qqApi = createInitQQ(several()).call(uniIdCo)
    const { code, openid } = await sandbox.run((platform) => platform.login({ appid: second!.appid, user: "a" }))
    const { sessionKey, unionid, ...account } = await qqApi.code2Session({ code })
    assert.deepStrictEqual(account, { openid, errCode: 0, errMsg: "auth.code2Session ok" })
    assert.match(unionid!, /^UID_/)
    assert.lengthOf(Buffer.from(sessionKey!, "base64"), 16)
    const error = await qqErrorOf(qqApi.code2Session({ code }))
    assert.deepStrictEqual([error.reason._tag, error.code, error.app], ["InvalidCode", 40029, second!.appid])
  })

  it("other platforms keep their own", () => {
    const original = function (this: typeof uniIdCo) {
      return { platform: this.clientPlatform }
    }
    assert.deepStrictEqual(createInitQQ(client(), original).call({ ...uniIdCo, clientPlatform: "app" }), {
      platform: "app"
    })
    assert.throws(() => createInitQQ({} as never), /createQQMini/)
  })
})

describe("the program of a request", () => {
  it("is that of the app, also without a client that called", async () => {
    const qq = several()
    const text = { content: "你好" }
    await programs()
    await new UniSecCheck({ qq, appId: "__UNI__B" }).textSecCheck(text)
    assert.deepStrictEqual(await programs(), [second!.appid])
    await new UniSecCheck({ qq, appId: "__UNI__A" }).imgSecCheck({ image })
    assert.deepStrictEqual(await programs(), [first!.appid])
    const { openid } = await sandbox.run((platform) => platform.login({ appid: second!.appid }))
    const messages = new UniSubscribemsg({ qq, dcloudAppid: "__UNI__B" })
    const data = { keyword1: { value: "x" } }
    assert.strictEqual((await messages.sendSubscribeMessage({ touser: openid, template_id, data })).errCode, 46001)
    assert.deepStrictEqual(await programs(), [], "the objects share the client's token")

    // no other app's program takes the place of a missing one
    const without = await qqErrorOf(new UniSecCheck({ qq, appId: "__UNI__C" }).textSecCheck(text))
    assert.strictEqual(without.reason._tag, "UnknownApp")
    const unknown = await qqErrorOf(new UniSecCheck({ qq }).textSecCheck(text))
    assert.strictEqual(unknown.reason._tag, "InvalidConfig")
    assert.deepStrictEqual(await programs(), [])
  })

  it("is that of the request's id, where an instance serves several requests", async () => {
    const infos = [
      { appId: "__UNI__A", requestId: "1" },
      { appId: "__UNI__B", requestId: "2" }
    ]
    const qq = several({ ...makeUniCloud(), getClientInfos: () => infos })
    await programs()
    await new UniSecCheck({ qq, requestId: "2" }).textSecCheck({ content: "你好" })
    assert.deepStrictEqual(await programs(), [second!.appid])
    await new UniSecCheck({ qq, requestId: "none" }).textSecCheck({ content: "你好" })
    assert.deepStrictEqual(await programs(), [first!.appid])
  })

  it("is the client's own where its options or app name one", async () => {
    const { appid, appsecret } = second!
    await programs()
    await new UniSecCheck({ qq: client({ appid, appsecret }), appId: "__UNI__A" }).textSecCheck({ content: "你好" })
    await new UniSecCheck({ qq: several().app(appid), appId: "__UNI__A" }).textSecCheck({ content: "你好" })
    assert.deepStrictEqual(await programs(), [appid, appid])
  })
})
