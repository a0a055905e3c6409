/** The sandbox for tests of apps without Effect. Whole projects that use it are in `packages.test.ts`. */
import * as Edge from "@qq-mini/edge"
import { createQQMini, isQQError } from "@qq-mini/node"
import { startSandbox, type TestSandbox } from "@qq-mini/sandbox/testing"
import { assert, describe, it } from "vitest"
import { template_id } from "./support/calls.ts"

const reasonOf = (call: Promise<unknown>) =>
  call.then(
    () => "done",
    (error: unknown) => (isQQError(error) ? error.reason._tag : "a defect")
  )

const countOf = async ({ requests }: TestSandbox) => {
  const counts = new Map<string, number>()
  for (const { endpoint } of await requests()) counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1)
  return Object.fromEntries(counts)
}

describe("startSandbox", () => {
  it.each([
    ["node", createQQMini],
    ["edge", Edge.createQQMini]
  ])("its options are those of clients of %s, for each program", async (_, create) => {
    await using sandbox = await startSandbox()
    await using qq = create(sandbox.options)
    for (const { appid } of sandbox.options.apps) {
      const { code, openid } = await sandbox.login({ appid })
      const session = await qq.app(appid).auth.code2Session({ code })
      assert.strictEqual(session.openid, openid)
    }
    assert.strictEqual(sandbox.options.apps.length, 2)
  })

  it("is as it was at the start after a reset, but for the tokens", async () => {
    const once = [{ max: 1, window: "lifetime", scope: "app", enforcedBy: "qq" }] as const
    await using sandbox = await startSandbox({ quota: { "acode.getMiniCode": once } })
    await using qq = createQQMini(sandbox.options)
    const before = await sandbox.login()
    await sandbox.subscribe({ openid: before.openid, times: 2 })
    await qq.acode.getMiniCode()
    await sandbox.fault({ kind: "code", share: 1 })

    await sandbox.reset()
    assert.deepStrictEqual(await sandbox.requests(), [])
    assert.strictEqual(await reasonOf(qq.acode.getMiniCode()), "done")
    assert.strictEqual(await reasonOf(qq.acode.getMiniCode()), "MiniCodesUsedUp")
    assert.strictEqual(await reasonOf(qq.auth.code2Session({ code: before.code })), "InvalidCode")
    const { openid } = await sandbox.login()
    const data = { keyword1: { value: "x" } }
    const send = (touser: string) => reasonOf(qq.subscribeMessage.send({ touser, template_id, data }))
    assert.deepStrictEqual(await Promise.all([before.openid, openid].map(send)), ["InvalidInput", "NotSubscribed"])
    assert.deepStrictEqual(await countOf(sandbox), {
      "acode.getMiniCode": 2,
      "auth.code2Session": 1,
      "subscribeMessage.send": 2
    })
  })

  it("rejects wrong use at the line of the test, in English and Chinese, without the value", async () => {
    await using sandbox = await startSandbox()
    const { openid } = await sandbox.login()
    // What a project without TypeScript may write.
    const loose = sandbox as unknown as Record<keyof TestSandbox, (input?: unknown) => Promise<unknown>>
    const start = startSandbox as (options: unknown) => Promise<unknown>
    const wrong = "aValueOfTheTest"
    const cases: ReadonlyArray<readonly [() => Promise<unknown>, en: string, zh: string]> = [
      [
        () => start({ program: [] }),
        "startSandbox: InvalidConfig: program: is not an option: write programs.",
        "应写作 programs"
      ],
      [() => start({ programs: [] }), "programs: must not be empty", "不能为空"],
      [
        () => start({ quota: { "security.msgSecChek": [] } }),
        "write security.msgSecCheck",
        "应写作 security.msgSecCheck"
      ],
      [() => loose.login({ appid: wrong }), "login: InvalidConfig: appid: must be one of 1112345678", "必须是以下之一"],
      [() => loose.subscribe({ openID: openid }), "openID: is not an option: write openid", "应写作 openid"],
      [() => loose.subscribe({ openid: wrong }), "openid: belongs to no user", "没有该用户"],
      [() => loose.subscribe(), "openid: belongs to no user", "没有该用户"],
      [() => loose.refuse({ openid, template_id: wrong }), `must be one of ${template_id}.`, "必须是以下之一"],
      [() => loose.fault({ endpoint: "security.msgSecCheck" }), "kind: must be one of badToken", "必须是以下之一"],
      [() => loose.fault({ kind: "empty", endpoint: wrong }), "endpoint: must be one of", "必须是以下之一"],
      [() => loose.requests(wrong), "call: must be one of", "必须是以下之一"],
      [() => loose.revokeTokens(wrong), "appid: must be one of", "必须是以下之一"],
      [() => loose.markRisky(wrong), "image: must be the bytes of a picture", "必须是图片"]
    ]
    for (const [use, en, zh] of cases) {
      const error: unknown = await use().catch((error: unknown) => error)
      if (!isQQError(error)) assert.fail(`no error, but: ${en}`)
      const [first = "", second = ""] = error.message.split("\n")
      assert.include(first, en)
      assert.include(second, zh)
      assert.include(String(error.stack), "startSandbox.test", en)
      assert.notInclude(error.message, wrong)
    }
  })
})
