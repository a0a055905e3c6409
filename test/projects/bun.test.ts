import { assert, beforeAll, it } from "vitest"
import { install, programOf, type Project } from "./project.ts"

const bun = programOf("bun")

let project: Project
beforeAll(async () => {
  project = await install("bun")
})

it("its test passes", async () => {
  assert.match(await project.run(bun, ["test"]), / 1 pass\n 0 fail/)
})

it("serves, and ends on SIGTERM when all are answered", async () => {
  await using sandbox = await project.startSandbox()
  await using server = await project.serve(bun, ["run", "server.ts"], { ...sandbox.env, PORT: "0" })
  const { code, openid } = await sandbox.do("login")
  assert.deepStrictEqual(await server.post("/login", { code }), [200, { openid }])
  assert.deepStrictEqual(await server.post("/login", { code }), [401, { problem: "InvalidCode" }])
  await sandbox.do("fault", { kind: "slowHeaders", endpoint: "security.msgSecCheck", delay: 2_000 })
  const answer = server.post("/comments", { text: "你好" })
  await sandbox.has("security.msgSecCheck")
  const end = server.stop("SIGTERM")
  assert.deepStrictEqual(await answer, [201, { text: "你好" }])
  assert.strictEqual((await end).code, 0)
})
