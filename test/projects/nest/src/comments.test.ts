import type { INestApplication } from "@nestjs/common"
import { Test } from "@nestjs/testing"
import { createQQMini } from "qq-mini"
import { defaultTemplate, riskySamples, startSandbox, type TestSandbox } from "qq-mini/testing"
import assert from "node:assert/strict"
import { after, before, beforeEach, test } from "node:test"
import { AppModule } from "./app.module.js"
import { QQ } from "./qq.module.js"

let sandbox: TestSandbox
let app: INestApplication
before(async () => {
  sandbox = await startSandbox()
  process.env["QQ_TEMPLATE"] = defaultTemplate
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(QQ)
    .useFactory({ factory: () => createQQMini(sandbox.options) })
    .compile()
  app = module.createNestApplication({ logger: false })
  await app.listen(0, "127.0.0.1")
})
beforeEach(() => sandbox.reset())
after(async () => {
  await app.close()
  await sandbox.close()
})

const post = async (path: string, body: unknown) => {
  const response = await fetch(`${await app.getUrl()}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body)
  })
  return [response.status, await response.json()]
}

test("a user logs in once with the code of qq.login", async () => {
  const { code, openid } = await sandbox.login()
  assert.deepEqual(await post("/login", { code }), [200, { openid }])
  assert.deepEqual(await post("/login", { code }), [401, { problem: "InvalidCode" }])
})

test("a comment is published if QQ passes it and its author subscribed", async () => {
  const { openid } = await sandbox.login()
  await sandbox.subscribe({ openid })
  const comment = { openid, text: "床前明月光" }
  assert.deepEqual(await post("/comments", { openid, text: riskySamples[0] }), [422, { problem: "risky" }])
  assert.deepEqual(await post("/comments", comment), [201, comment])
  assert.deepEqual(await post("/comments", comment), [409, { problem: "NotSubscribed" }])
})

test("no comment is published while QQ answers with nothing", async () => {
  const { openid } = await sandbox.login()
  await sandbox.fault({ kind: "empty", endpoint: "security.msgSecCheck", share: 1 })
  assert.deepEqual(await post("/comments", { openid, text: "你好" }), [503, { problem: "UnreadableAnswer" }])
})
