import { createQQMini, type PromiseClient } from "qq-mini"
import { defaultTemplate, startSandbox, type TestSandbox } from "qq-mini/testing"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { makeComments } from "./comments.ts"

describe("comments", () => {
  let sandbox: TestSandbox
  let qq: PromiseClient
  let comments: ReturnType<typeof makeComments>
  beforeAll(async () => {
    sandbox = await startSandbox({ riskyTexts: ["bad word"] })
    qq = createQQMini(sandbox.options)
  })
  beforeEach(async () => {
    await sandbox.reset()
    comments = makeComments(qq, defaultTemplate)
  })
  afterAll(async () => {
    await qq.close()
    await sandbox.close()
  })

  it("know a user by the code of qq.login", async () => {
    const { code, openid } = await sandbox.login()
    expect(await comments.logIn(code)).toBe(openid)
    await expect(comments.logIn(code)).rejects.toMatchObject({ reason: { _tag: "InvalidCode" } })
  })

  it("are published if QQ passes them, and refused if they are risky", async () => {
    const { openid } = await sandbox.login()
    expect(await comments.post(openid, "a bad word")).toBe("refused")
    expect(await comments.post(openid, "a good word")).toBe("published")
    expect(comments.published).toEqual(["a good word"])
  })

  it("are not published while QQ can't check them", async () => {
    const { openid } = await sandbox.login()
    // as often as the client tries
    await sandbox.fault({ kind: "empty", endpoint: "security.msgSecCheck", times: 3 })
    await expect(comments.post(openid, "a good word")).rejects.toMatchObject({ reason: { _tag: "UnreadableAnswer" } })
    expect(comments.published).toEqual([])
    expect(await sandbox.requests("security.msgSecCheck")).toHaveLength(3)
  })

  it("are told to an author who subscribed, once", async () => {
    const { openid } = await sandbox.login()
    await sandbox.subscribe({ openid })
    expect(await comments.post(openid, "the first")).toBe("published, author told")
    expect(await comments.post(openid, "the second")).toBe("published")
    const [message] = await sandbox.requests("subscribeMessage.send")
    expect(message?.params).toMatchObject({ touser: openid, data: { keyword1: { value: "the first" } } })
  })
})
