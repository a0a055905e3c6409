import { assert, beforeAll, it } from "vitest"
import { install, type Project } from "./project.ts"

let project: Project
beforeAll(async () => {
  project = await install("nest")
  await project.run("npm", ["run", "build"])
})

it("its tests pass", async () => {
  assert.match(await project.run("npm", ["test"]), /pass 3\n.*fail 0\n/)
})

it("on SIGTERM a request that is here makes all its calls, and the server ends", async () => {
  await using sandbox = await project.startSandbox()
  const { openid } = await sandbox.do("login")
  await sandbox.do("subscribe", { openid })
  await using server = await project.serve("node", ["dist/main.js"], {
    ...sandbox.env,
    PORT: "0",
    QQ_TEMPLATE: "sandbox-template"
  })
  await sandbox.do("fault", { kind: "slowHeaders", endpoint: "security.msgSecCheck", delay: 2_000 })
  const answer = server.post("/comments", { openid, text: "你好" })
  await sandbox.has("security.msgSecCheck")
  const end = server.stop("SIGTERM")
  assert.deepStrictEqual(await answer, [201, { openid, text: "你好" }])
  // Nest ends with the signal that it got.
  assert.strictEqual((await end).code, "SIGTERM")
})
