import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, beforeAll, it } from "vitest"
import { install, type Project } from "./project.ts"

// The newest two majors, and the oldest that knows all types that effect's declarations use.
const versions = ["7.0", "5.9", "5.7"]
const aliasOf = (version: string) => `typescript-${version}`
// 5.0 is the oldest that reads effect's declarations at all, without a check of them.
const oldest = "5.0"

let project: Project
beforeAll(async () => {
  project = await install(
    "typescript",
    [...versions, oldest].map((version) => `${aliasOf(version)}@npm:typescript@~${version}.0`)
  )
})

const compile = (version: string, ...options: ReadonlyArray<string>) =>
  project.run("node", [`node_modules/${aliasOf(version)}/bin/tsc`, ...options])

/** A file that loads the declarations of every module of every package. */
const importAll = async () => {
  const lines = []
  for (const name of ["qq-mini", "@qq-mini/core", "@qq-mini/node"]) {
    const { exports } = JSON.parse(await readFile(join(project.folder, "node_modules", name, "package.json"), "utf8"))
    for (const path of Object.keys(exports).filter((path) => !path.endsWith(".json"))) {
      lines.push(`export * as module${lines.length} from "${name}${path.slice(1)}"\n`)
    }
  }
  assert.isAbove(lines.length, 50)
  await writeFile(join(project.folder, "src/all.ts"), lines.join(""))
}

it.each([
  ["7.0", "node16", "node16"],
  ["7.0", "esnext", "bundler"],
  ["5.9", "node16", "node16"],
  ["5.9", "esnext", "bundler"],
  ["5.7", "node16", "node16"]
])("TypeScript %s finds no fault in any declaration, module %s, resolution %s", async (version, module, resolution) => {
  await importAll()
  // A CommonJS file of the app has types of its own.
  const legacy =
    'import qq = require("qq-mini")\nconst client: qq.PromiseClient = qq.createQQMini()\nvoid client.close()\n'
  await writeFile(join(project.folder, "src/legacy.cts"), module === "node16" ? legacy : "")
  assert.isEmpty(await compile(version, "--module", module, "--moduleResolution", resolution))
})

it(`TypeScript ${oldest} compiles the project if it need not check declarations`, async () => {
  assert.isEmpty(await compile(oldest, "--skipLibCheck", "true"))
})

it("the files run as they are, and say what QQ says", async () => {
  await using sandbox = await project.startSandbox()
  const texts = ["床前明月光", "", "疑是地上霜"]
  const plain = await project.run("node", ["src/main.ts", ...texts], sandbox.env)
  assert.match(plain, /^{"verdict":"passed"}\n{"verdict":"unchecked","why":"InvalidInput","help":"content: .+"}\n/)
  const effect = await project.run("node", ["src/effect.ts", ...texts], sandbox.env)
  assert.match(effect, /^passed\ncontent: .+\npassed\n$/)
})
