/** What of qq-mini goes into a bundle for runtimes without anything of Node's. */
import { build } from "esbuild"
import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { builtinModules } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, describe, it } from "vitest"
import { bundle, limit, programs } from "../../../packages/edge/delivery/bundle.ts"

const run = promisify(execFile)
const root = fileURLToPath(new URL("../../..", import.meta.url))

const assertNothingOfNode = (imports: ReadonlyArray<string>): void => {
  for (const path of imports)
    assert.notInclude([...builtinModules, ...builtinModules.map((name) => `node:${name}`)], path)
}

describe("a bundle", () => {
  it("of a Worker with one call is at most 68 KB gzipped, and needs nothing of Node's", async () => {
    const { gzipped, imports, modules, text } = await bundle(
      programs["one call, as an Effect program, with the Durable Object"]
    )
    assert.isAtMost(gzipped, limit)
    assert.deepStrictEqual(imports, ["cloudflare:workers"])
    assertNothingOfNode(imports)
    // what it does not call is not in it
    for (const other of ["ImgSecCheck", "CreateMiniCode", "SendSubscriptionMessage", "jscode2session"]) {
      assert.notInclude(text, other)
    }
    assert.include(text, "MsgSecCheck")
    assert.isAbove(modules.length, 20)
  })

  it("is told by a script, with what is in it", async () => {
    const { stdout } = await run(process.execPath, [join(root, "packages/edge/delivery/bundle.ts")])
    for (const name of Object.keys(programs)) assert.include(stdout, `${name}: `)
    assert.match(stdout, /KB {2}effect\/dist\/SchemaAST\.js/)
    assert.match(stdout, /KB {2}core\/src\/AccessToken\.ts/)
  })

  it.each(["core", "edge"])("of every public module of %s can be made for a browser's platform", async (name) => {
    const home = join(root, "packages", name)
    const { exports } = JSON.parse(await readFile(join(home, "package.json"), "utf8")) as {
      readonly exports: Readonly<Record<string, string>>
    }
    const modules = Object.keys(exports).filter((path) => path !== "./package.json")
    const { metafile } = await build({
      stdin: {
        contents: modules.map((path, i) => `export * as m${i} from "@qq-mini/${name}${path.slice(1)}"`).join("\n"),
        resolveDir: dirname(fileURLToPath(import.meta.url))
      },
      bundle: true,
      format: "esm",
      platform: "browser",
      metafile: true,
      write: false
    })
    assert.deepStrictEqual(
      Object.values(metafile.outputs).flatMap(({ imports }) => imports),
      []
    )
  })
})
