import { createQQMini } from "qq-mini"
import { defaultTemplate, riskySamples, startSandbox } from "qq-mini/testing"
import assert from "node:assert/strict"
import { once } from "node:events"
import { after, before, beforeEach, test } from "node:test"
import { makeServer } from "./server.js"

let sandbox
let qq
let server
before(async () => {
  sandbox = await startSandbox()
  qq = createQQMini(sandbox.options)
  server = makeServer(qq, defaultTemplate).listen(0, "127.0.0.1")
  await once(server, "listening")
})
beforeEach(() => sandbox.reset())
after(async () => {
  server.close()
  await qq.close()
  await sandbox.close()
})

const post = async (path, body) => {
  const response = await fetch(`http://127.0.0.1:${server.address().port}${path}`, {
    method: "POST",
    body: JSON.stringify(body)
  })
  return { status: response.status, text: await response.text() }
}

test("a user logs in with the code of qq.login, once", async () => {
  const { code, openid } = await sandbox.login()
  assert.deepEqual(JSON.parse((await post("/login", { code })).text), { openid })
  assert.equal((await post("/login", { code })).status, 400)
})

test("a question that passes is accepted, and its author told", async () => {
  const { openid } = await sandbox.login()
  await sandbox.subscribe({ openid })
  assert.equal((await post("/questions", { openid, question: "几点开始？" })).status, 201)
  const [message] = await sandbox.requests("subscribeMessage.send")
  assert.equal(message.params.data.keyword1.value, "几点开始？")
})

test("a risky question is not accepted", async () => {
  const { openid } = await sandbox.login()
  assert.equal((await post("/questions", { openid, question: riskySamples[0] })).status, 422)
  assert.deepEqual(await sandbox.requests("subscribeMessage.send"), [])
})

test("a question that QQ can't check now is not accepted", async () => {
  const { openid } = await sandbox.login()
  await sandbox.fault({ kind: "resetAfter", endpoint: "security.msgSecCheck", share: 1 })
  assert.equal((await post("/questions", { openid, question: "几点开始？" })).status, 503)
  assert.deepEqual(await sandbox.requests("subscribeMessage.send"), [])
})
