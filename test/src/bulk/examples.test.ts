/** The examples of broadcasts, as a user runs them. */
import type * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { first, template_id } from "../support/calls.ts"
import { Redis } from "../support/redis.ts"

const call = "subscribeMessage.send"

/** Quiet hours that are far from now: a minute in six hours, in Shanghai. */
const quietHours = () => {
  const hour = String((new Date().getUTCHours() + 8 + 6) % 24).padStart(2, "0")
  return { QUIET_FROM: `${hour}:00`, QUIET_TO: `${hour}:01` }
}

/** A sandbox with some users, and a CSV file of them in a folder of its own. */
const setUp = async (all: AsyncDisposableStack, users: number, ...lines: ReadonlyArray<string>) => {
  const sandbox = all.use(await SandboxServer.start())
  const openids = await sandbox.run(({ login, subscribe }) =>
    Effect.forEach(Array.from({ length: users }), (_, i) =>
      Effect.tap(
        Effect.map(login({ user: `user ${i}` }), ({ openid }) => openid),
        (openid) => subscribe({ openid, times: 9 })
      )
    )
  )
  const folder = await mkdtemp(join(tmpdir(), "qq-mini-broadcast-"))
  all.defer(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, "users.csv")
  await writeFile(file, ["openid,keyword1", ...openids.map((openid) => `${openid},hello`), ...lines].join("\n"))
  const start = (example: string, args: ReadonlyArray<string> = [], more: Readonly<Record<string, string>> = {}) => {
    const path = fileURLToPath(new URL(`../../../examples/broadcast/${example}`, import.meta.url))
    const child = spawn(process.execPath, [path, file, ...args], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        QQ_APPID: first.appid,
        QQ_APPSECRET: String(first.appsecret),
        QQ_BASE_URL: sandbox.url,
        QQ_STORE: `sqlite:${join(folder, "tokens.sqlite")}`,
        TEMPLATE_ID: template_id,
        TMPDIR: tmpdir(),
        ...more
      }
    })
    all.defer(() => void child.kill("SIGKILL"))
    return child
  }
  const requests = () =>
    sandbox.run(({ log }) => Effect.map(log, (all) => all.filter(({ endpoint }) => endpoint === call)))
  return { requests, sandbox, start }
}

/** What a process writes until it ends. */
const ended = async (child: ChildProcess): Promise<string> => {
  let text = ""
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (some) => (text += String(some)))
  const [code] = await once(child, "close")
  assert.strictEqual(code, 0, text)
  return text
}

const areOnce = (requests: ReadonlyArray<Sandbox.LogEntry>) => {
  const openids = requests.map(({ params }) => params["touser"])
  assert.strictEqual(new Set(openids).size, openids.length)
}

describe("the examples of broadcasts", () => {
  it("from a CSV file: bad rows are shown, and what was killed goes on", { timeout: 180_000 }, async () => {
    await using all = new AsyncDisposableStack()
    const { requests, start } = await setUp(all, 500, ",nobody", "A,x,y")
    const env = { ...quietHours(), LOCK: "2 seconds" }
    const checked = await ended(start("csv.ts", ["--dry-run"], env))
    assert.include(checked, "line 502: touser")
    assert.include(checked, "line 503: row")
    assert.include(checked, "500 recipients, 2 bad rows")
    assert.isEmpty(await requests())

    const killed = start("csv.ts", [], env)
    while ((await requests()).length < 50) await new Promise((resolve) => setTimeout(resolve, 5))
    killed.kill("SIGKILL")
    await once(killed, "exit")
    const done = (await requests()).length
    assert.isBelow(done, 500)
    const shown = await ended(start("csv.ts", [], env))
    const [, sent, unknown] = /(\d+) sent, (\d+) unknown, 0 left/.exec(shown)!.map(Number)
    assert.strictEqual(sent! + unknown!, 500)
    assert.isAtMost(unknown!, 32)
    areOnce(await requests())
  })

  it("by four processes on Redis", { timeout: 180_000 }, async () => {
    await using all = new AsyncDisposableStack()
    const redis = all.use(await Redis.start("--appendonly", "yes", "--appendfsync", "always"))
    const { requests, start } = await setUp(all, 400)
    const env = { REDIS: redis.url, ...quietHours() }
    assert.match(await ended(start("workers.ts", [], env)), /400 sent, 0 unknown, 0 left/)
    assert.strictEqual((await requests()).length, 400)
    areOnce(await requests())
  })
})
