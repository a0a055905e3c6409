/** The pages that begin with nothing, followed as they stand there: each file, each command, and what is printed. */
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import { Miniflare } from "miniflare"
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { deliver } from "../../packages/unicloud/delivery/build.ts"
import { chineseOf, read, root } from "./guide/pages.ts"
import { follow, jsonOf, type StandIn } from "./guide/terminal.ts"
import { bundleEdge } from "./runtimes/runtimes.ts"
import { Holder } from "./support/processes.ts"
import { startDatabase } from "./unicloud/database.ts"
import { nodeBinary } from "./unicloud/unicloud.ts"

let home: string
beforeAll(async () => {
  // Below the tests, so that the packages are found as an installation would lay them.
  await mkdir(join(root, "test/dist"), { recursive: true })
  home = await mkdtemp(join(root, "test/dist/start-"))
})
afterAll(() => rm(home, { recursive: true }))

/** What no test can do: it needs QQ, npm or GitHub. `packages.test.ts` and `docs/projects` try the installation. */
const elsewhere: ReadonlyArray<StandIn> = [
  { command: /^(?:unset QQ_BASE_URL|export QQ_APPID='your appid'|npx qq-mini doctor)/, run: () => "" },
  { command: /^git clone/, run: ({ folder }) => mkdir(join(folder, "qq-mini")) },
  { command: /pnpm@\S+ (?:install|check|exec|-r)|^npm install \/tmp/, run: () => "" },
  { command: /^npx wrangler (?:secret|deploy)/, run: () => "" }
]

/** Runs the Worker of a folder, as its wrangler.jsonc says. */
const startWorker = async (folder: string, port: number): Promise<Miniflare> => {
  const { compatibility_date, compatibility_flags, durable_objects, main } = await jsonOf(folder, "wrangler.jsonc")
  const variables = await readFile(join(folder, ".dev.vars"), "utf8")
  const bundle = await bundleEdge(join(folder, main), "start.mjs")
  const miniflare = new Miniflare({
    port,
    compatibilityDate: compatibility_date,
    compatibilityFlags: compatibility_flags,
    modules: [{ type: "ESModule", path: "worker.mjs", contents: await readFile(bundle, "utf8") }],
    bindings: Object.fromEntries(
      Array.from(variables.matchAll(/^(\w+)='(.*)'$/gm), ([, name, value]) => [name, value])
    ),
    durableObjects: Object.fromEntries(
      durable_objects.bindings.map(({ class_name, name }: any) => [name, { className: class_name, useSQLite: true }])
    )
  } as any)
  await miniflare.ready
  return miniflare
}

const folderOf = async (page: string) => {
  const folder = join(home, page)
  await mkdir(folder)
  return folder
}

describe("a reader gets what the page shows", () => {
  const language = "en_US.UTF-8"

  it("on Node", async () => {
    const page = read("docs/start/node.md")
    assert.deepStrictEqual(await follow(page, { folder: await folderOf("node"), language, standIns: elsewhere }), [])
  })

  it("in Effect", async () => {
    const page = read("docs/start/effect.md")
    assert.deepStrictEqual(await follow(page, { folder: await folderOf("effect"), language, standIns: elsewhere }), [])
  })

  it("on Workers", async () => {
    const workers: Array<Miniflare> = []
    const wrangler: StandIn = {
      command: /^npx wrangler dev/,
      run: async ({ folder, ports }) => void workers.push(await startWorker(folder, ports.get("8787")!))
    }
    try {
      const page = read("docs/start/workers.md")
      assert.deepStrictEqual(
        await follow(page, { folder: await folderOf("workers"), language, standIns: [wrangler, ...elsewhere] }),
        []
      )
    } finally {
      await Promise.all(workers.map((worker) => worker.dispose()))
    }
  })

  it("on uniCloud", async () => {
    // Outside of the tests, whose files are ES modules.
    const folder = await mkdtemp(join(tmpdir(), "qq-mini-start-"))
    await using sandbox = await SandboxServer.start()
    await using database = await startDatabase()
    database.createCollection("qq-mini-tokens")
    const clone: StandIn = {
      command: /pnpm@\S+ --filter @qq-mini\/unicloud deliver/,
      run: ({ folder }) => deliver(join(folder, "packages/unicloud/dist/unicloud"))
    }
    /** Runs the function with its file of parameters, as HBuilderX does. */
    const onFile = async (path: string) => {
      if (!path.endsWith(".param.json")) return ""
      const code = dirname(path)
      const common = join(code, "../common")
      await cp(
        join(root, "test/src/unicloud/modules/uni-config-center.cjs"),
        join(common, "uni-config-center/index.js")
      )
      await mkdir(join(code, "node_modules"), { recursive: true })
      for (const [name, where] of Object.entries<string>((await jsonOf(code, "package.json")).dependencies)) {
        await symlink(join(code, where.slice("file:".length)), join(code, "node_modules", name)).catch(() => undefined)
      }
      const index = join(code, "index.js")
      await writeFile(index, (await readFile(index, "utf8")).replace(/http:\/\/127\.0\.0\.1:\d+/, sandbox.url))
      const config = { folder: code, baseUrl: sandbox.url, database: database.url }
      await using holder = await Holder.spawn([
        nodeBinary(16),
        join(root, "test/src/unicloud/function.cjs"),
        JSON.stringify(config)
      ])
      return JSON.stringify((await holder.ask(await jsonOf(path))).result)
    }
    assert.deepStrictEqual(
      await follow(read("docs/start/unicloud.md"), { folder, language, standIns: [clone, ...elsewhere], onFile }),
      []
    )
  })
})

// The Chinese pages have the same code. What differs is what the command prints.
it.each(["node", "workers"])("the Chinese page for %s shows what the command prints in Chinese", async (name) => {
  const page = read(chineseOf(`docs/start/${name}.md`))
  assert.deepStrictEqual(
    await follow(page, { folder: home, language: "zh_CN.UTF-8", only: /^npx qq-mini sandbox/ }),
    []
  )
})
