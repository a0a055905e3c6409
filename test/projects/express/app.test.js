const assert = require("node:assert/strict")
const { once } = require("node:events")
const { after, before, beforeEach, test } = require("node:test")
const { createQQMini } = require("qq-mini")
const { riskySamples, startSandbox } = require("qq-mini/testing")
const { makeApp } = require("./app.js")

let sandbox
let qq
let server
before(async () => {
  sandbox = await startSandbox()
  qq = createQQMini(sandbox.options)
  server = makeApp(qq).listen(0, "127.0.0.1")
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

test("a comment is published if QQ passes it", async () => {
  assert.deepEqual(await post("/comments", { text: "床前明月光" }), [201, { text: "床前明月光" }])
  assert.deepEqual(await post("/comments", { text: riskySamples[0] }), [422, { problem: "risky" }])
  assert.deepEqual(await post("/comments", {}), [400, { problem: "InvalidInput" }])
})

test("no comment is published while QQ answers with nothing", async () => {
  await sandbox.fault({ kind: "empty", endpoint: "security.msgSecCheck", share: 1 })
  assert.deepEqual(await post("/comments", { text: "疑是地上霜" }), [503, { problem: "UnreadableAnswer" }])
  const comments = await fetch(`http://127.0.0.1:${server.address().port}/comments`)
  assert.ok(!(await comments.json()).includes("疑是地上霜"))
})
