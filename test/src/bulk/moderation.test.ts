/** A backlog that several processes check, of which one is killed. */
import { assert, it } from "@effect/vitest"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import { spawn } from "node:child_process"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { first, risky } from "../support/calls.ts"
import type { Config, Line } from "../support/moderationWorker.ts"

const worker = fileURLToPath(new URL("../support/moderationWorker.ts", import.meta.url))

/** Starts a process. It is killed when it has told so many verdicts. Gives its lines when it has ended. */
const work = (config: Config, killAfter = Infinity): Promise<ReadonlyArray<Line>> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [worker, JSON.stringify(config)], { stdio: ["ignore", "pipe", "inherit"] })
    const lines: Array<Line> = []
    createInterface({ input: child.stdout }).on("line", (text) => {
      if (!text.startsWith("{")) return
      lines.push(JSON.parse(text) as Line)
      if (lines.length === killAfter) child.kill("SIGKILL")
    })
    child.once("close", () => resolve(lines))
  })

it("a backlog is checked once by several processes, also if one is killed and started again", async () => {
  await using sandbox = await SandboxServer.start()
  const texts = Array.from({ length: 700 }, (_, i) => (i % 70 === 0 ? `${i} ${risky}` : `text ${i}`))
  const items = [...texts, ...texts.slice(0, 300)]
  const config: Config = {
    baseUrl: sandbox.url,
    path: join(mkdtempSync(join(tmpdir(), "qq-mini-backlog-")), "qq.sqlite"),
    app: first,
    items,
    concurrency: 4
  }
  const killed = work(config, 150)
  const living = work(config)
  const lines = [...(await killed), ...(await work(config)), ...(await living)]

  const results = lines.flatMap((line) => ("result" in line ? [line.result] : []))
  assert.strictEqual(results.length, 2)
  for (const result of results) {
    assert.deepInclude(result, { state: "finished", done: 1_000, total: 1_000, passed: 985, risky: 15, failed: 0 })
  }
  const told = new Map(lines.flatMap((line) => ("told" in line ? [[line.told, line.verdict] as const] : [])))
  for (const [i, text] of items.entries()) {
    assert.strictEqual(told.get(String(i + 1)), text.includes(risky) ? "risky" : "passed")
  }
  const log = await sandbox.run((platform) => platform.log)
  const asked = log.flatMap(({ endpoint, params }) =>
    endpoint === "security.msgSecCheck" ? [params["content"] as string] : []
  )
  assert.deepStrictEqual(new Set(asked), new Set(texts))
  // Only what was on its way when the process was killed is asked again.
  assert.isAtMost(asked.length - texts.length, config.concurrency)
})
