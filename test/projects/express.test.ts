import { assert, beforeAll, it } from "vitest"
import { install, type Project } from "./project.ts"

let project: Project
beforeAll(async () => {
  project = await install("express")
})

it("its tests pass", async () => {
  assert.match(await project.run("npm", ["test"]), /pass 3\n.*fail 0\n/)
})

it("the server checks comments, and publishes none while QQ answers with nothing", async () => {
  await using sandbox = await project.startSandbox()
  await using server = await project.serve("node", ["server.js"], { ...sandbox.env, PORT: "0" })
  const { code, openid } = await sandbox.do("login")
  assert.deepStrictEqual(await server.post("/login", { code }), [200, { openid }])
  await sandbox.do("fault", { kind: "empty", endpoint: "security.msgSecCheck", share: 1 })
  assert.deepStrictEqual(await server.post("/comments", { text: "你好" }), [503, { problem: "UnreadableAnswer" }])
  await sandbox.do("heal")
  assert.deepStrictEqual(await server.post("/comments", { text: "再见" }), [201, { text: "再见" }])
  assert.deepStrictEqual(await server.get("/comments"), [200, ["再见"]])
})

it("on SIGTERM the server answers who is there, and ends", async () => {
  await using sandbox = await project.startSandbox()
  await using server = await project.serve("node", ["server.js"], { ...sandbox.env, PORT: "0" })
  await sandbox.do("fault", { kind: "slowHeaders", endpoint: "security.msgSecCheck", delay: 2_000 })
  const answer = server.post("/comments", { text: "你好" })
  await sandbox.has("security.msgSecCheck")
  const end = server.stop("SIGTERM")
  assert.deepStrictEqual(await answer, [201, { text: "你好" }])
  assert.strictEqual((await end).code, 0)
})
