/** The packages as they are published: built, packed, unpacked elsewhere, and used by plain Node. */
import { execFile, spawn } from "node:child_process"
import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from "node:fs/promises"
import { isBuiltin } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, beforeAll, describe, it } from "vitest"
import { deliver } from "../../packages/unicloud/delivery/build.ts"
import { examine, filesOf } from "./support/tarballs.ts"

const run = promisify(execFile)
const root = fileURLToPath(new URL("../..", import.meta.url))
const names = ["core", "sandbox", "node", "unicloud", "edge"]

const sources = async (name: string): Promise<ReadonlyArray<string>> => {
  const folder = join(root, "packages", name, "src")
  const files = await readdir(folder, { recursive: true })
  return files.filter((file) => file.endsWith(".ts")).map((file) => join(folder, file))
}

interface Manifest {
  readonly version: string
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly sideEffects: boolean
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly repository: { readonly url: string; readonly directory: string }
  readonly bugs: string
  readonly homepage: string
  readonly license: string
  readonly keywords: ReadonlyArray<string>
  readonly engines: { readonly node: string }
}

/** Unpacks an archive of the registry's kind. */
const unpack = async (archive: Uint8Array, to: string): Promise<void> => {
  for (const [path, bytes] of await filesOf(archive)) {
    await mkdir(dirname(join(to, path)), { recursive: true })
    await writeFile(join(to, path), bytes)
  }
}

describe("the packages", () => {
  let app: string
  /** The packed packages, by name. */
  const archives = new Map<string, Uint8Array<ArrayBuffer>>()
  const manifest = async (name: string): Promise<Manifest> =>
    JSON.parse(await readFile(join(app, `node_modules/@qq-mini/${name}/package.json`), "utf8"))

  beforeAll(async () => {
    app = await mkdtemp(join(tmpdir(), "qq-mini-"))
    await deliver()
    await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "--build"], { cwd: root })
    for (const name of [...names, "qq-mini"]) {
      const from = join(root, "packages", name)
      const to = join(app, "node_modules/@qq-mini", name)
      await mkdir(to, { recursive: true })
      const { stdout } = await run("npx", ["-y", "pnpm@12.21.0", "pack", "--json", "--pack-destination", app], {
        cwd: from
      })
      const { filename } = JSON.parse(stdout)
      const archive = new Uint8Array(await readFile(filename))
      archives.set(name, archive)
      await unpack(archive, to)
      // its dependencies, as an installer would lay them
      const { dependencies, peerDependencies } = await manifest(name)
      for (const dependency of Object.keys({ ...dependencies, ...peerDependencies })) {
        if (dependency.startsWith("@qq-mini/")) continue
        const link = join(to, "node_modules", dependency)
        await mkdir(dirname(link), { recursive: true })
        await symlink(join(from, "node_modules", dependency), link)
      }
    }
    // The app that has `qq-mini` alone.
    const link = join(app, "plain/node_modules/qq-mini")
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(app, "node_modules/@qq-mini/qq-mini"), link)
  })

  it("come with what they need: code, types, sources and the licence, and nothing of the workspace", async () => {
    for (const name of names) {
      const folder = join(app, "node_modules/@qq-mini", name)
      assert.deepStrictEqual((await readdir(folder)).filter((file) => file !== "node_modules").toSorted(), [
        "LICENSE",
        "README.md",
        ...(name === "unicloud" ? [] : ["README.zh-CN.md"]),
        ...(name === "sandbox" ? ["console"] : []),
        "dist",
        ...(name === "sandbox" ? ["openapi.json"] : []),
        "package.json",
        "src"
      ])
      // what is delivered to uniCloud goes there, and not to the registry
      assert.notInclude(await readdir(join(folder, "dist")), "unicloud")
      assert.notInclude(await readFile(join(folder, "package.json"), "utf8"), "workspace:")
    }
  })

  it("publint and attw find nothing, and no map leads to a file that is missing", async () => {
    for (const [name, archive] of archives) assert.deepStrictEqual((await examine(archive)).found, [], name)
  })

  it("say whose they are, and on which Node they were tested", async () => {
    for (const name of names) {
      const { bugs, engines, homepage, keywords, license, repository } = await manifest(name)
      assert.strictEqual(repository.directory, `packages/${name}`)
      for (const one of [bugs, homepage, repository.url]) assert.include(one, "qq-mini")
      assert.isAtLeast(keywords.length, 5)
      assert.strictEqual(license, "MIT")
      assert.match(engines.node, /^>=\d+\.\d+\.\d+$/)
    }
  })

  it("every public module loads in plain Node, and internal ones are closed", async () => {
    for (const name of names) {
      const { exports, sideEffects } = await manifest(name)
      assert.isFalse(sideEffects)
      const modules = Object.keys(exports).filter((path) => !path.endsWith(".json"))
      const all = await readdir(join(root, "packages", name, "src"), { recursive: true })
      // The rooms below `src` are closed, but for those of adapters' and tests' authors; declarations name the reasons' files.
      const isOpen = (file: string) => !file.includes("/") || /^(adapter|reason|testing)\/[^/]+$/.test(file)
      const source = all.filter((file) => file.endsWith(".ts") && isOpen(file))
      assert.strictEqual(modules.length, source.length, "one entry a public module")
      const imports = modules.map((path) => `await import("@qq-mini/${name}${path.slice(1)}")`)
      await run(process.execPath, ["--input-type=module", "-e", imports.join("\n")], { cwd: app })
    }
    const closed = run(process.execPath, ["--input-type=module", "-e", 'await import("@qq-mini/core/call/answer")'], {
      cwd: app
    })
    assert.include(await closed.catch((error: Error) => error.message), "ERR_PACKAGE_PATH_NOT_EXPORTED")
  })

  it("the sandbox brings all that its console loads", async () => {
    await writeFile(
      join(app, "console.mjs"),
      `import { start } from "@qq-mini/sandbox/SandboxServer"
       const sandbox = await start()
       const seen = new Set(["/sandbox/", "/sandbox/api/", "/sandbox/openapi.json", "/sandbox/about.json"])
       for (const path of seen) {
         const response = await fetch(sandbox.url + path)
         const text = await response.text()
         if (!response.ok) console.log(path, response.status)
         const isOurs = !path.startsWith("/sandbox/lib/swagger")
         for (const [, found] of isOurs ? text.matchAll(/(?:from|src=|href=)\\s*"([./][^"]+)"/g) : []) {
           seen.add(new URL(found, sandbox.url + path).pathname)
         }
       }
       console.log(seen.size > 20)
       await sandbox.close()`
    )
    const { stdout } = await run(process.execPath, ["console.mjs"], { cwd: app })
    assert.strictEqual(stdout, "true\n")
  })

  it("a plain app outside the workspace makes its calls", async () => {
    await writeFile(
      join(app, "app.mjs"),
      `import { createQQMini } from "@qq-mini/node"
       import { defaultPrograms } from "@qq-mini/sandbox/Sandbox"
       import { start } from "@qq-mini/sandbox/SandboxServer"
       const sandbox = await start()
       const qq = createQQMini({ apps: defaultPrograms, baseUrl: sandbox.url })
       console.log(JSON.stringify(await qq.security.msgSecCheck({ content: "x" })))
       await qq.close()
       await sandbox.close()`
    )
    const { stdout } = await run(process.execPath, ["app.mjs"], { cwd: app })
    assert.strictEqual(stdout, '{"risky":false}\n')
  })

  it.each(["node20", "node22", "node24"])("CommonJS requires them on %s", async (version) => {
    // `@qq-mini/node` needs Node 22.
    const adapter = version === "node20" ? "edge" : "node"
    await writeFile(
      join(app, "app.cjs"),
      `const { createQQMini } = require("@qq-mini/" + process.argv[2])
       const { startSandbox } = require("@qq-mini/sandbox/testing")
       startSandbox().then(async (sandbox) => {
         const qq = createQQMini(sandbox.options)
         console.log(await qq.security.msgSecCheck({ content: "x" }))
         await qq.close()
         await sandbox.close()
       })`
    )
    const node = join(root, "test/node_modules", version, "bin/node")
    const { stdout } = await run(node, ["app.cjs", adapter], { cwd: app })
    assert.strictEqual(stdout, "{ risky: false }\n")
  })

  it("qq-mini needs no other package, and both kinds of modules get one copy", async () => {
    const { dependencies, main } = (await manifest("qq-mini")) as Manifest & { readonly main: string }
    assert.isUndefined(dependencies)
    const folder = join(app, "node_modules/@qq-mini/qq-mini")
    const files = (await readdir(folder, { recursive: true })).filter((file) => !file.startsWith("node_modules"))
    assert.includeMembers(files, ["LICENSE", "README.md", "README.zh-CN.md", "dist/third-party.txt"])
    assert.isEmpty(files.filter((file) => /^src|tsbuildinfo/.test(file)))
    const loaded = new Set<string>()
    for (const file of files.filter((file) => /\.(c?js|d\.c?ts)$/.test(file) && !file.startsWith("dist/console"))) {
      const text = await readFile(join(folder, file), "utf8")
      const found = text.matchAll(
        /\b(?:require|import)\([`"]([^`".]+)|^(?:import|export)\b[^\n]*?\bfrom\s*"([^".]+)"/gm
      )
      for (const [, required, imported] of found) loaded.add((required ?? imported)!)
      // esbuild leaves no `require` in an ES module, and jest has no `import()`.
      if (file.startsWith("dist/cjs")) assert.notMatch(text, /\b(?:require|import)\(["'`]node:/, file)
    }
    const others = [...loaded].filter((name) => !isBuiltin(name) && !name.startsWith("cloudflare:"))
    // The sandbox's server tries two more, and goes on without.
    assert.deepStrictEqual(others.toSorted(), ["bufferutil", "redis", "sharp", "utf-8-validate"])

    await writeFile(
      join(app, "plain/app.mjs"),
      `import { createQQMini, isQQError } from "qq-mini"
       import { startSandbox } from "qq-mini/testing"
       import { createRequire } from "node:module"
       const required = createRequire(import.meta.url)("qq-mini")
       await using sandbox = await startSandbox()
       const clients = [createQQMini(sandbox.options), required.createQQMini(sandbox.options)]
       for (const qq of clients) {
         const error = await qq.auth.code2Session({ code: "no such" }).catch((error) => error)
         console.log(isQQError(error), required.isQQError(error), error instanceof required.QQError, error.constructor.name)
         await qq.close()
       }`
    )
    const { stdout } = await run(process.execPath, ["app.mjs"], { cwd: join(app, "plain") })
    assert.strictEqual(stdout, "true true true QQError\n".repeat(2))
    assert.isTrue(files.includes(main.replace("./", "")))
  })

  it("types of qq-mini are whole for strict projects, of both kinds and of the edge", async () => {
    const program = (edge = false) => `
      import { createQQMini, isQQError } from "qq-mini${edge ? "/edge" : ""}"
      export const check = async (content: string): Promise<boolean> => {
        const qq = createQQMini({ appid: "1112345678", appsecret: "secret", attempts: 1 })
        try {
          return (await qq.security.msgSecCheck({ content }, { deadline: "3 seconds" })).risky
        } catch (error) {
          if (isQQError(error) && error.reason._tag === "Rejected") return error.reason.code === 87014
          throw error
        }
      }
      ${edge ? "" : 'import { createBroadcast } from "qq-mini/broadcast"'}
      // Every option that an app without Effect has.
      const done = () => undefined
      export const options: NonNullable<Parameters<typeof createQQMini>[0]> = {
        appid: "x", appsecret: "x", apps: async (appid: string) => appid, secretTtl: 1, baseUrl: "x", store: "memory",
        tokenKey: "x", deadline: 1, attemptTimeout: 1, onTokenEvent: done, imagePreparer: (picture) => picture,
        ${edge ? 'env: {}, fetch, waitUntil: done, runs: "request"' : 'proxy: "x", onRequest: done, onResponse: done, onRetry: done'}
      }
      // @ts-expect-error Options are required.
      ${edge ? "createQQMini(1)" : "createBroadcast(createQQMini())"}
      // @ts-expect-error A wrong name does not compile.
      export const wrong = (qq: ReturnType<typeof createQQMini>) => qq.security.msgSecCheck({ text: "" })`
    const folder = join(app, "plain")
    const files = { "a.mts": program(), "b.cts": program(), "edge.mts": program(true) }
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
    await mkdir(join(folder, "node_modules/@types"), { recursive: true })
    await symlink(join(root, "node_modules/@types/node"), join(folder, "node_modules/@types/node"))
    const options =
      "--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck false --target es2023 --module node16"
    const compile = async (more: string) => {
      const compiler = join(root, "node_modules/typescript/bin/tsc")
      const args = [compiler, ...`${options} ${more}`.split(" ")]
      const { stdout } = await run(process.execPath, args, { cwd: folder }).catch((error: { stdout: string }) => error)
      assert.strictEqual(stdout, "")
    }
    await compile("--types node a.mts b.cts")
    // A Worker has no types of Node.
    await compile("--lib es2023,dom,esnext.disposable edge.mts")
  })

  it("the command runs as it is published, with the sandbox", async () => {
    const command = join(app, "node_modules/@qq-mini/qq-mini/dist/qq-mini.cjs")
    const sandbox = spawn(process.execPath, [command, "sandbox", "--port", "0", "--json"], { cwd: app })
    const ready = await new Promise<string>((resolve) => sandbox.stdout.once("data", (line) => resolve(String(line))))
    const { stdout } = await run(process.execPath, [command, "token", "--json"], {
      cwd: app,
      env: { PATH: process.env["PATH"], XDG_CACHE_HOME: process.env["XDG_CACHE_HOME"], ...JSON.parse(ready).env }
    })
    sandbox.kill("SIGINT")
    assert.strictEqual(JSON.parse(stdout).appid, JSON.parse(ready).env.QQ_APPID)
  })

  it("the core depends on effect alone, and no adapter on another", async () => {
    const core = await manifest("core")
    assert.deepStrictEqual([core.dependencies, core.peerDependencies], [undefined, { effect: "~4.1.0" }])
    for (const name of names) {
      const { dependencies = {}, peerDependencies } = await manifest(name)
      const own = Object.keys({ ...dependencies, ...peerDependencies }).filter((one) => one.startsWith("@qq-mini/"))
      assert.deepStrictEqual(own, name === "core" ? [] : ["@qq-mini/core"])
    }
  })

  it("no public type is any", async () => {
    for (const name of names) {
      const folder = join(app, "node_modules/@qq-mini", name)
      for (const entry of Object.values((await manifest(name)).exports)) {
        // A vk project's results have fields that nobody has typed.
        if (typeof entry === "string" || entry["types"]!.endsWith("VkOpenapiQQ.d.ts")) continue
        const lines = (await readFile(join(folder, entry["types"]!), "utf8")).split("\n")
        // The classes of effect's own errors say it of themselves.
        for (const line of lines.filter((line) => !/^declare const \w+_base:|^\s*(\/?\*|\/\/)/.test(line))) {
          assert.notMatch(line, /(?:[:=<(|&,?]|=>|\bextends|\breadonly) ?any\b|\bany\[\]/, `${name}: ${entry["types"]}`)
        }
      }
    }
  })

  it("the core asks nothing of a runtime: no time, randomness, network or environment of its own", async () => {
    const smell =
      /(^|[^.\w])(Date\.now|new Date\(|Math\.random|process\.|console\.|setTimeout|fetch\()|\b(async|try \{|await) /
    for (const path of await sources("core")) {
      const lines = (await readFile(path, "utf8")).split("\n")
      // the promise facades are where promises begin; parsing JSON is where exceptions end
      if (/\/(Promise\w*|strictJson)\.ts$/.test(path)) continue
      for (const line of lines) {
        if (/^\s*(\*|\/\/|\/\*)/.test(line)) continue
        // texts for users may show code
        assert.notMatch(line.replace(/"[^"]*"/g, '""'), smell, path)
        assert.notMatch(line, /from "(effect|effect\/(http|persistence|crypto|encoding))"/, path)
      }
    }
  })

  it("no two files import each other, not even types, and not by way of others", async () => {
    for (const name of names) {
      const imports = new Map<string, ReadonlyArray<string>>()
      for (const path of await sources(name)) {
        const found = (await readFile(path, "utf8")).matchAll(/\b(?:from|import)\s*\(?"(\.[^"]+)"/g)
        imports.set(
          path,
          Array.from(found, ([, to = ""]) => join(dirname(path), to))
        )
      }
      const done = new Set<string>()
      const visit = (path: string, way: ReadonlyArray<string>) => {
        assert.notInclude(way, path, `${[...way, path].join(" imports ")}`)
        if (done.has(path)) return
        for (const next of imports.get(path) ?? []) visit(next, [...way, path])
        done.add(path)
      }
      for (const path of imports.keys()) visit(path, [])
    }
  })
})
