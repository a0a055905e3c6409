/** The examples for edge runtimes on the real ones: with their own permissions, their own test runners, and as servers. */
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import { EdgeRuntime } from "edge-runtime"
import { build } from "esbuild"
import { execFile, spawn } from "node:child_process"
import { mkdtemp, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { freePort, Redis } from "../support/redis.ts"
import { type Harness, startHarness } from "../runtimes/harness.ts"
import { startUpstash } from "../support/upstash.ts"

const exec = promisify(execFile)
const examples = fileURLToPath(new URL("../../../examples/edge/", import.meta.url))
const binary = (name: string) => fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url))
const [{ appid, appsecret }] = Sandbox.defaultPrograms

let harness: Harness
let env: NodeJS.ProcessEnv
beforeAll(async () => {
  harness = await startHarness()
  env = {
    PATH: process.env["PATH"],
    NO_COLOR: "1",
    // what Deno keeps is nobody's but this run's
    DENO_DIR: await mkdtemp(join(tmpdir(), "qq-mini-deno-")),
    QQ_APPID: appid,
    QQ_APPSECRET: String(appsecret),
    QQ_BASE_URL: harness.sandbox.url
  }
})
afterAll(() => harness[Symbol.asyncDispose]())

const permissions = ["--allow-net=127.0.0.1", "--allow-env=QQ_APPID,QQ_APPSECRET,QQ_APPS,QQ_BASE_URL"]

/** Asks what visitors ask of each example. */
const visit = async (url: string): Promise<number> => {
  assert.deepStrictEqual(await (await fetch(`${url}/health`)).json(), { ok: true })
  const guest = await harness.sandbox.run((platform) => platform.login())
  const login = await fetch(`${url}/login`, { method: "POST", body: guest.code })
  assert.deepStrictEqual(await login.json(), { openid: guest.openid })
  const body = JSON.stringify({ openid: guest.openid, template_id: Sandbox.defaultTemplate })
  const remind = await fetch(`${url}/remind`, { method: "POST", body })
  assert.deepStrictEqual([remind.status, await remind.text()], [400, "NotSubscribed"])
  return 3
}

/** Runs a server until it has been visited; gives how many visitors were served. */
const serve = async (file: string, args: ReadonlyArray<string>, more: NodeJS.ProcessEnv): Promise<number> => {
  const child = spawn(file, args, {
    cwd: examples,
    env: { ...env, ...more },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true
  })
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let said = ""
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on("line", (line) => {
          said += `${line}\n`
          const found = /http:\/\/(?:127\.0\.0\.1|localhost):\d+/.exec(line)?.[0]
          if (found !== undefined) resolve(found.replace("localhost", "127.0.0.1"))
        })
      }
      child.on("exit", () => reject(new Error(said)))
    })
    return await visit(url)
  } finally {
    // the package's command is a script that starts the runtime: both are of one process group
    process.kill(-child.pid!, "SIGKILL")
  }
}

describe("Deno", () => {
  it("finds no wrong types", async () => {
    const { stderr } = await exec(binary("deno"), ["check", "deno.ts", "deno.test.ts"], { cwd: examples, env })
    assert.notMatch(stderr, /error/i)
  })

  it("runs the example under its test runner", async () => {
    const args = ["test", "--unstable-kv", ...permissions, "deno.test.ts"]
    const { stdout } = await exec(binary("deno"), args, { cwd: examples, env })
    assert.match(stdout, /1 passed \| 0 failed/)
  })

  it("serves", async () => {
    const args = ["serve", "--host=127.0.0.1", "--port=0", "--unstable-kv", ...permissions, "deno.ts"]
    assert.strictEqual(await serve(binary("deno"), args, {}), 3)
  })
})

describe("Bun", () => {
  it("runs the example under its test runner", async () => {
    const { stderr } = await exec(binary("bun"), ["test", "./bun.test.ts"], { cwd: examples, env })
    assert.match(stderr, / 1 pass\n 0 fail/)
  })

  it("serves", async () => {
    assert.strictEqual(await serve(binary("bun"), ["run", "bun.ts"], { PORT: String(await freePort()) }), 3)
  })
})

describe("Vercel's edge runtime", () => {
  it("answers as a function, whose instances share one token and count together", async () => {
    await using redis = await Redis.start()
    await using database = await startUpstash(redis.url)
    const { outputFiles } = await build({
      stdin: {
        contents: `import answer, { config } from "./vercel/api/[call].ts"
          if (config.runtime !== "edge") throw new Error()
          addEventListener("fetch", (event) =>
            event.respondWith(answer(event.request, { waitUntil: (work) => event.waitUntil(work) })))`,
        resolveDir: examples,
        loader: "ts"
      },
      bundle: true,
      format: "iife",
      platform: "browser",
      target: "es2022",
      write: false
    })
    const process = { env: { ...env, UPSTASH_REDIS_REST_URL: database.url, UPSTASH_REDIS_REST_TOKEN: database.token } }
    const instances = Array.from(
      { length: 3 },
      () =>
        new EdgeRuntime({
          initialCode: outputFiles[0]!.text,
          extend: (context) => Object.assign(context, { process })
        })
    )
    const before = await harness.sandbox.run((platform) => platform.count("auth.getAccessToken"))
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const response = await instances[i % 3]!.dispatchFetch("http://localhost/api/health")
        return `${response.status} ${await response.text()}`
      })
    )
    assert.deepStrictEqual([...new Set(answers)], ['200 {"ok":true}'])
    assert.strictEqual(await harness.sandbox.run((platform) => platform.count("auth.getAccessToken")), before + 1)
    const body = JSON.stringify({ openid: "X", template_id: Sandbox.defaultTemplate })
    const remind = await instances[0]!.dispatchFetch("http://localhost/api/remind", { method: "POST", body })
    assert.strictEqual(remind.status, 400)
  })
})

it("every example says in its head how it is run", async () => {
  for (const file of ["deno.ts", "deno.test.ts", "bun.ts", "bun.test.ts", "worker/index.ts", "vercel/api/[call].ts"]) {
    assert.match(await readFile(join(examples, file), "utf8"), /^\/\*\*\n \* [\s\S]+? \*\/\n/)
  }
})
