/** The guide and the READMEs: their code runs and prints what they show, in both languages it is the same. */
import { startSandbox } from "@qq-mini/sandbox/testing"
import { Miniflare } from "miniflare"
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { type Extracted, extract, type Kind } from "./guide/extract.ts"
import { chineseOf, type Difference, isShown, pages, read, root, withoutComments } from "./guide/pages.ts"
import type { Ran } from "./guide/run.ts"
import { bundleEdge } from "./runtimes/runtimes.ts"
import { environment } from "./support/cli.ts"
import { Redis } from "./support/redis.ts"

const run = promisify(execFile)

/** Blocks that do not run here, each with the test that runs the same. */
const ranElsewhere: Readonly<Record<string, string>> = {
  // The router of examples/unicloud/vk-project, which runs in unicloud/delivery.test.ts.
  "docs/moving.md": "vkCloud.createInstance"
}

let folder: string
let redis: Redis
let blocks: ReadonlyArray<Extracted>
beforeAll(async () => {
  redis = await Redis.start()
  // Below the tests, so that the packages are found as an installation would lay them.
  await mkdir(join(root, "test/dist"), { recursive: true })
  folder = await mkdtemp(join(root, "test/dist/guide-"))
  const all = await extract(pages, { folder, redis: `redis://127.0.0.1:${redis.port}` })
  blocks = all.filter(({ block: { at, code } }) => {
    const elsewhere = ranElsewhere[at.replace(/:.*/, "")]
    return elsewhere === undefined || !code.includes(elsewhere)
  })
})
afterAll(async () => {
  await redis[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const ofKind = (kind: Kind) => blocks.filter((one) => one.kind === kind)

const differenceIn = ({ block, shown }: Extracted, printed: string): ReadonlyArray<Difference> =>
  shown === undefined || isShown(printed, shown) ? [] : [{ at: block.at, shown, printed }]

describe("the code of the guide", () => {
  it("has the right types", async () => {
    const tsc = join(root, "node_modules/typescript/bin/tsc")
    const { stdout } = await run(process.execPath, [tsc, "-p", folder]).catch((error) => error)
    assert.strictEqual(stdout, "")
  })

  it("runs on the sandbox, and prints what the page shows", async () => {
    const modules = ofKind("module")
    assert.isAbove(modules.length, 20)
    const to = join(folder, "results.json")
    const paths = modules.map(({ path }) => path)
    await run(process.execPath, [join(root, "test/src/guide/run.ts"), to, ...paths], {
      cwd: folder,
      env: { ...environment(), NO_PROXY: "127.0.0.1" }
    })
    const results: ReadonlyArray<Ran> = JSON.parse(await readFile(to, "utf8"))
    assert.deepStrictEqual(
      results.flatMap(({ error }, i) => (error === undefined ? [] : [[modules[i]!.block.at, error]])),
      []
    )
    assert.deepStrictEqual(
      results.flatMap(({ printed }, i) => differenceIn(modules[i]!, printed)),
      []
    )
  })

  it("runs as programs of Effect", async () => {
    await using sandbox = await startSandbox()
    for (const program of ofKind("program")) {
      const { stdout } = await run(process.execPath, [program.path], { env: { ...environment(), ...sandbox.env } })
      assert.deepStrictEqual(differenceIn(program, stdout), [])
    }
  })

  it("passes as tests", async () => {
    const vitest = join(root, "node_modules/vitest/vitest.mjs")
    const tests = ofKind("test").map(({ path }) => path)
    assert.isNotEmpty(tests)
    const { stdout } = await run(process.execPath, [vitest, "run", "--root", folder, ...tests], {
      cwd: folder,
      env: { ...environment(), NO_COLOR: "1" }
    }).catch((error) => error)
    assert.match(stdout, new RegExp(`Test Files {2}${tests.length} passed \\(${tests.length}\\)`))
  })

  it("answers as Workers on workerd", async () => {
    await using sandbox = await startSandbox()
    const { QQ_APPID, QQ_APPSECRET, QQ_BASE_URL } = sandbox.env
    const found = ofKind("worker").filter(({ block }) => block.code.includes("export default"))
    const workers = await Promise.all(
      found.map(async ({ block, path }, i) => {
        const names = Array.from(block.code.matchAll(/export (?:\{|class) (\w+)/g), ([, name]) => name!)
        return {
          name: `worker-${i}`,
          modules: [
            {
              type: "ESModule",
              path: `${i}.mjs`,
              contents: await readFile(await bundleEdge(path, `guide-${i}.mjs`), "utf8")
            }
          ],
          compatibilityDate: "2026-07-01",
          compatibilityFlags: ["enable_request_signal"],
          bindings: { QQ_APPID, QQ_APPSECRET, QQ_BASE_URL, QQ_TOKEN_KEY: Buffer.alloc(32, 1).toString("base64") },
          kvNamespaces: ["QQ_KV"],
          durableObjects: Object.fromEntries(
            names.map((name) => [name.replace("QQ", "QQ_").toUpperCase(), { className: name, useSQLite: true }])
          )
        }
      })
    )
    const miniflare = new Miniflare({ workers } as any)
    try {
      for (const [i, { block }] of found.entries()) {
        const worker: any = await miniflare.getWorker(`worker-${i}`)
        if (block.code.includes("scheduled:")) {
          assert.strictEqual((await worker.scheduled()).outcome, "ok", block.at)
        } else {
          const response = await worker.fetch("http://worker/", { method: "POST", body: "床前明月光" })
          assert.deepStrictEqual(await response.json(), { risky: false }, block.at)
        }
      }
    } finally {
      await miniflare.dispose()
    }
  })

  it("is the same as an example, where it runs elsewhere", async () => {
    const example = "examples/unicloud/vk-project/uniCloud/cloudfunctions/router/index.js"
    const block = read("docs/moving.md").blocks.find(({ code }) => code.includes(ranElsewhere["docs/moving.md"]!))!
    const code = (await readFile(join(root, example), "utf8")).replace(`"use strict"\n`, "")
    assert.strictEqual(withoutComments(block), withoutComments({ ...block, code }))
  })

  it("names commands that are there, and JSON that can be read", async () => {
    const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"))
    const help = await readFile(join(root, "docs/command.md"), "utf8")
    for (const { at, code, language } of pages.flatMap((page) => read(page).blocks)) {
      if (/^jsonc?$/.test(language)) assert.doesNotThrow(() => JSON.parse(code.replaceAll(/^\s*\/\/ .*$/gm, "")), at)
      if (language !== "sh") continue
      for (const [, script] of code.matchAll(/pnpm@\S+ (\w+)/g)) {
        if (!/^(?:exec|install)$/.test(script!)) assert.property(scripts, script!, at)
      }
      for (const [, command] of code.matchAll(/qq-mini (sandbox|\w+(?= |$))/gm)) {
        assert.match(help, new RegExp(`\`${command}\\b`), at)
      }
    }
  })
})

describe("the Chinese pages", () => {
  it.each(pages.filter((page) => existsSync(join(root, chineseOf(page)))))(
    "%s has the same code in Chinese",
    (page) => {
      const [english, chinese] = [read(page).blocks, read(chineseOf(page)).blocks]
      assert.lengthOf(chinese, english.length)
      for (const [i, block] of chinese.entries()) {
        // What the command prints is in Chinese there: guide.start.test.ts compares it.
        if (block.language === "text" && chinese[i - 1]?.code.includes("qq-mini sandbox")) continue
        assert.strictEqual(withoutComments(block), withoutComments(english[i]!), block.at)
      }
    }
  )
})

describe("docs/production.md", () => {
  const { text } = read("docs/production.md")

  it("has the figures of bench/README.md", async () => {
    const bench = await readFile(join(root, "bench/README.md"), "utf8")
    const tables = text
      .slice(text.indexOf("## Capacity"))
      .match(/^\|.*\|$/gm)!
      .join("\n")
    const figures = tables.match(/\d+[,.]\d+|\d{2,}/g)!
    assert.isAbove(figures.length, 30)
    assert.deepStrictEqual(
      figures.filter((figure) => !bench.includes(figure)),
      []
    )
  })

  it("has all alerts", async () => {
    const alerts = await readFile(join(root, "examples/telemetry/alerts.yml"), "utf8")
    const names = Array.from(alerts.matchAll(/alert: (\w+)/g), ([, name]) => name)
    assert.deepStrictEqual(
      Array.from(text.matchAll(/^\| `(QQ\w+)`/gm), ([, name]) => name),
      names
    )
  })
})

it("docs/edge.md has the sizes of bench/sizes.json", async () => {
  const sizes: Readonly<Record<string, number>> = JSON.parse(await readFile(join(root, "bench/sizes.json"), "utf8"))
  const told = Array.from(read("docs/edge.md").text.matchAll(/at most (\d+) KB/g), ([, size]) => Number(size))
  const measured = Object.entries(sizes).flatMap(([what, size]) => (what.startsWith("a Worker") ? [size / 1_000] : []))
  assert.lengthOf(told, measured.length)
  // A promise that is true, and not much more than it has to be.
  for (const [i, size] of measured.entries()) assert.isTrue(size <= told[i]! && told[i]! < size * 1.05, `${size} KB`)
})
