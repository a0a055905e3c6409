import { join } from "node:path"
import { assert, beforeAll, it } from "vitest"
import { install, programOf, type Project } from "./project.ts"

const deno = programOf("deno")

let project: Project
let env: NodeJS.ProcessEnv
beforeAll(async () => {
  project = await install("deno")
  // What Deno keeps is nobody's but this run's.
  env = { DENO_DIR: join(project.folder, "deno") }
})

it("its types are right, and its test passes", async () => {
  assert.notMatch(await project.run(deno, ["check", "."], env), /error/i)
  assert.match(await project.run(deno, ["task", "test"], env), /1 passed \| 0 failed/)
})

it("serves, with the token in Deno KV", async () => {
  await using sandbox = await project.startSandbox()
  const permissions = ["--allow-net", "--allow-env=QQ_APPID,QQ_APPSECRET,QQ_APPS,QQ_BASE_URL"]
  const args = ["serve", "--host=127.0.0.1", "--port=0", ...permissions, "server.ts"]
  await using server = await project.serve(deno, args, { ...env, ...sandbox.env })
  const { code, openid } = await sandbox.do("login")
  assert.deepStrictEqual(await server.post("/login", { code }), [200, { openid }])
  assert.deepStrictEqual(await server.post("/login", { code }), [401, { problem: "InvalidCode" }])
  assert.deepStrictEqual(await server.post("/comments", { text: "你好" }), [201, { text: "你好" }])
  await sandbox.do("fault", { kind: "empty", endpoint: "security.msgSecCheck", times: 3 })
  assert.deepStrictEqual(await server.post("/comments", { text: "你好" }), [503, { problem: "UnreadableAnswer" }])
})
