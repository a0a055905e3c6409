import { assert, beforeAll, it } from "vitest"
import { install, type Project } from "./project.ts"

let project: Project
beforeAll(async () => {
  project = await install("next")
})

const env = { NEXT_TELEMETRY_DISABLED: "1" }

it("is built without an AppSecret, and warns that the edge runtime is deprecated", async () => {
  const printed = await project.run("next", ["build"], env)
  assert.match(printed, /The Edge Runtime is deprecated/)
  for (const path of ["login", "comments", "check"]) assert.include(printed, `ƒ /api/${path}`)
})

it("answers on Node and on the edge runtime", async () => {
  await using sandbox = await project.startSandbox()
  const args = ["start", "--port", "0", "--hostname", "127.0.0.1"]
  await using server = await project.serve("next", args, { ...env, ...sandbox.env })
  const { code, openid } = await sandbox.do("login")
  assert.deepStrictEqual(await server.post("/api/login", { code }), [200, { openid }])
  assert.deepStrictEqual(await server.post("/api/login", { code }), [401, { problem: "InvalidCode" }])
  for (const [path, passed] of [
    ["/api/comments", [201, { text: "你好" }]],
    ["/api/check", [200, { risky: false }]]
  ] as const) {
    assert.deepStrictEqual(await server.post(path, { text: "你好" }), passed)
    await sandbox.do("fault", { kind: "empty", endpoint: "security.msgSecCheck", times: 3 })
    assert.deepStrictEqual(await server.post(path, { text: "你好" }), [503, { problem: "UnreadableAnswer" }])
  }
})
