/** The command `qq-mini` as people run it: bundled, as a process of its own. */
import { defaultPrograms, startSandbox, type TestSandbox } from "@qq-mini/sandbox/testing"
import { spawn } from "node:child_process"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll } from "vitest"
import { delivered } from "../../../packages/qq-mini/delivery/build.ts"

/** The file of the command. The set-up of the tests makes it. */
export const command = `${delivered}/qq-mini.cjs`

/** How it is run. */
export interface Options {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** What is on its standard input. */
  readonly stdin?: string
}

/** What it printed, and its exit code. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The variables of its process: nothing of the machine's user. */
export const environment = (env: Options["env"] = {}): Record<string, string> => ({
  PATH: process.env["PATH"]!,
  TMPDIR: process.env["TMPDIR"]!,
  XDG_STATE_HOME: process.env["XDG_STATE_HOME"]!,
  XDG_CACHE_HOME: process.env["XDG_CACHE_HOME"]!,
  ...env
})

const root = fileURLToPath(new URL("../../..", import.meta.url))

/** Starts the command. */
export const startQQMini = (args: ReadonlyArray<string>, { cwd = root, env }: Options = {}) =>
  spawn(process.execPath, [command, ...args], { cwd, env: environment(env) })

/** Runs the command to its end. S1: whatever it prints, there is no AppSecret in it. */
export const qqMini = async (args: ReadonlyArray<string>, options: Options = {}): Promise<Ended> => {
  const child = startQQMini(args, options)
  child.stdin.end(options.stdin ?? "")
  const exit = new Promise<number | null>((resolve) => child.on("close", resolve))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit])
  for (const { appsecret } of defaultPrograms) assert.notInclude(stdout + stderr, String(appsecret))
  return { code, stdout, stderr }
}

/** Runs the command with `--json`, whose output is one value. */
export const qqMiniJson = async (args: ReadonlyArray<string>, options?: Options) => {
  const { code, stdout } = await qqMini([...args, "--json"], options)
  return { code, value: JSON.parse(stdout) }
}

/** Starts a sandbox for a file of tests. Returns the function that sets up each of them: it has a folder of its own. */
export const inSandbox = () => {
  let sandbox: TestSandbox
  beforeAll(async () => {
    sandbox = await startSandbox()
  })
  afterAll(() => sandbox.close())
  return async () => {
    await sandbox.reset()
    const cwd = await mkdtemp(join(tmpdir(), "qq-mini-cli-"))
    const QQ_STORE = `sqlite:${join(cwd, "store.sqlite")}`
    const env: Record<string, string> = { ...sandbox.env, QQ_STORE, XDG_STATE_HOME: join(cwd, "state") }
    return { sandbox, cwd, env }
  }
}
