import { assert, it } from "vitest"
import { install } from "./project.ts"

it.each(["vitest", "jest", "node-test"])("a project tests its app with %s", async (name) => {
  const project = await install(name)
  assert.match(await project.run("npm", ["test"]), /\b4 passed|\bpass 4/)
})
