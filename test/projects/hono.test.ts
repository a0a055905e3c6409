import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, beforeAll, it } from "vitest"
import { install, type Project } from "./project.ts"

// Nothing is asked of Cloudflare.
const env = { WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", CI: "true" }

let project: Project
beforeAll(async () => {
  project = await install("hono")
})

it("its types are right for what wrangler generates", async () => {
  assert.include(await project.run("npm", ["run", "check"], env), "Generating")
})

it("answers on workerd, with the token in its Durable Object", async () => {
  await using sandbox = await project.startSandbox()
  const secrets = Object.entries(sandbox.env).filter(([name]) => /^QQ_(APPID|APPSECRET|BASE_URL)$/.test(name))
  await writeFile(join(project.folder, ".dev.vars"), secrets.map((one) => `${one.join("=")}\n`).join(""))
  const args = ["dev", "--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0"]
  await using server = await project.serve("wrangler", args, env)
  const { code, openid } = await sandbox.do("login")
  assert.deepStrictEqual(await server.post("/login", { code }), [200, { openid }])
  assert.deepStrictEqual(await server.post("/login", { code }), [401, { problem: "InvalidCode" }])
  assert.deepStrictEqual(await server.post("/comments", { text: "你好" }), [201, { text: "你好" }])
  await sandbox.do("fault", { kind: "empty", endpoint: "security.msgSecCheck", times: 3 })
  assert.deepStrictEqual(await server.post("/comments", { text: "你好" }), [503, { problem: "UnreadableAnswer" }])
  assert.lengthOf(await sandbox.do("requests", "auth.getAccessToken"), 1)
})
