/** The layout for `uni_modules` in a project, really installed by npm; and what a JavaScript project's editor shows. */
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, readFile, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, beforeAll, describe, it } from "vitest"
import { deliver } from "../../../packages/unicloud/delivery/build.ts"
import { Holder } from "../support/processes.ts"
import { startDatabase } from "./database.ts"
import { nodeBinary } from "./unicloud.ts"

const run = promisify(execFile)
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const readme = path("../../../packages/unicloud/README.md")
const login = path("../../../examples/unicloud/uni-id-login")

let project: string
let common: string
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "qq-mini-project-"))
  common = await deliver(join(project, "delivered"))
  await cp(join(project, "delivered/uni_modules"), join(project, "uni_modules"), { recursive: true })
})

/** Writes a function or module that depends on others, and installs them as HBuilderX does. */
const install = async (folder: string, dependencies: Record<string, string>) => {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "installed", dependencies }))
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--no-package-lock"], { cwd: folder })
}

describe("uni_modules", () => {
  it("the paths that the readme gives can be installed and required on Node 16, from each of its four places", async () => {
    const text = await readFile(readme, "utf8")
    const rows = Array.from(text.matchAll(/^\| `(\S+)` \| `(file:\S+)` \|$/gm), ([, place, file]) => ({
      place: place!,
      file: file!
    }))
    assert.lengthOf(rows, 4)
    for (const { file, place } of rows) {
      const folder = join(project, place.replace("<插件>", "another").replace(/<.*>/, "mine"))
      await install(folder, { "qq-mini": file })
      await writeFile(join(folder, "index.js"), `console.log(typeof require("qq-mini").createQQMini)`)
      const { stdout } = await run(nodeBinary(16), ["index.js"], { cwd: folder })
      assert.strictEqual(stdout.trim(), "function", place)
    }
  })

  it("uni-id-co logs users of QQ's mini program in with qq-mini, as the example says, and others as before", async () => {
    const center = join(project, "uni_modules/uni-config-center/uniCloud/cloudfunctions/common/uni-config-center")
    await cp(join(login, "uniCloud/cloudfunctions/common/uni-config-center"), center, { recursive: true })
    await cp(path("modules/uni-config-center.cjs"), join(center, "index.js"))
    await writeFile(join(center, "package.json"), JSON.stringify({ name: "uni-config-center", main: "index.js" }))
    const folder = join(project, "uni_modules/uni-id-pages/uniCloud/cloudfunctions/uni-id-co")
    await cp(path("modules/uni-id-co"), folder, { recursive: true })
    await cp(join(login, "uniCloud/cloudfunctions/uni-id-co"), folder, { recursive: true })
    const steps = await readFile(join(login, "README.md"), "utf8")
    const [, line] = /```js\s+(require\(\S+\))\s+```/.exec(steps)!
    const object = join(folder, "index.obj.js")
    await writeFile(object, `${line}\n${await readFile(object, "utf8")}`)
    const [, file] = /"qq-mini": "(file:\S+)"/.exec(steps)!
    await install(folder, { "qq-mini": file!, "uni-config-center": file!.replaceAll("qq-mini", "uni-config-center") })

    await using database = await startDatabase()
    for (const name of ["qq-mini-tokens", "opendb-open-data"]) database.createCollection(name)
    const program = { appid: "1112345678", appsecret: "your-appsecret" }
    await using sandbox = await SandboxServer.start({ programs: [program] })
    const config = { folder, baseUrl: sandbox.url, database: database.url }
    await using holder = await Holder.spawn([nodeBinary(16), path("function.cjs"), JSON.stringify(config)])
    const byQQ = async (platform: string, param: object) =>
      (await holder.ask({ method: "loginByQQ", params: [param], platform })) as { result: any; logged: Array<string> }

    const { code, openid } = await sandbox.run((platform) => platform.login({ user: "a" }))
    const { result } = await byQQ("mp-qq", { code })
    assert.deepStrictEqual([result.openid, typeof result.unionid], [openid, "string"])
    assert.property(database.dump("opendb-open-data"), `uni-id:qq-mp:1112345678:${openid}:session-key`)
    // QQ refuses a code that was used: no user without an openid
    const again = await byQQ("mp-qq", { code })
    assert.include(again.result.thrown, "get-third-party-account-failed")
    assert.include(again.logged.join(), "InvalidCode")
    assert.notInclude(again.logged.join(), code)
    assert.deepStrictEqual((await byQQ("app", { accessToken: "x" })).result, { openid: "of app" })
  })
})

describe("a JavaScript project", () => {
  const tsc = path("../../../node_modules/typescript/bin/tsc")

  /** Checks a file as an editor does, with these libraries; gives what it says. */
  const check = async (file: string, compilerOptions: object): Promise<string> => {
    const folder = await mkdtemp(join(project, "editor-"))
    await mkdir(join(folder, "node_modules"))
    await symlink(common, join(folder, "node_modules/qq-mini"))
    await cp(path(file), join(folder, "index.js"))
    const options = {
      strict: true,
      checkJs: true,
      noEmit: true,
      module: "node16",
      target: "es2022",
      ...compilerOptions
    }
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["index.js"] }))
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "mine" }))
    const { stdout } = await run(process.execPath, [tsc, "-p", folder]).catch((error) => error)
    return stdout
  }

  it("with Node's types: Buffer, AbortSignal, and reasons that are told apart", async () => {
    const typeRoots = [dirname(path("../../../node_modules/@types/node"))]
    assert.strictEqual(await check("editor.cjs", { typeRoots, types: ["node"], lib: ["es2022"] }), "")
  })

  it("without any: the types alone have no error", async () => {
    assert.strictEqual(await check("editor-bare.cjs", { types: [], lib: ["es2022"] }), "")
  })
})
