import { assert, beforeAll, it } from "vitest"
import { startProxy } from "../src/support/proxy.ts"
import { install, type Project } from "./project.ts"

let project: Project
beforeAll(async () => {
  project = await install("effect")
})

it("its types are right, and its tests pass", async () => {
  await project.run("npm", ["run", "check"])
  assert.match(await project.run("npm", ["test"]), /Tests\s+4 passed/)
})

it("calls by way of the app's own HTTP client: through the proxy, and with a log that shows no secret", async () => {
  await using sandbox = await project.startSandbox()
  await using proxy = await startProxy()
  const printed = await project.run("node", ["src/main.ts", "床前明月光", "疑是地上霜"], {
    ...sandbox.env,
    HTTP_PROXY: proxy.url()
  })
  assert.include(printed, '["床前明月光","疑是地上霜"]')
  assert.isAtLeast(proxy.carried(), 1)
  assert.match(printed, /GET http:\/\/127.0.0.1:\d+\/api\/getToken$/m)
  assert.match(printed, /POST http:\/\/127.0.0.1:\d+\/api\/json\/security\/MsgSecCheck$/m)
  assert.notMatch(printed, /access_token|secret/i)
})
