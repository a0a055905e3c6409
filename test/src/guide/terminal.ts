/** Follows a page of the guide step by step, as a reader does: writes its files, runs its commands, reads what they print. */
import { spawn, type ChildProcess } from "node:child_process"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { dirname, join, resolve } from "node:path"
import { text } from "node:stream/consumers"
import { assert } from "vitest"
import { command, environment } from "../support/cli.ts"
import { freePort } from "../support/redis.ts"
import { type Block, type Difference, isShown, type Page } from "./pages.ts"

/** What the test does in place of a command. Returns what it printed. */
export interface StandIn {
  readonly command: RegExp
  readonly run: (where: { readonly folder: string; readonly home: string; readonly ports: Ports }) => unknown
}

/** The ports of the page, and those that are free here. */
export type Ports = ReadonlyMap<string, number>

/** How long a server may take until it has printed what the page shows. */
const patienceMillis = 120_000

const isServer = /^(?:npx qq-mini sandbox|node server\.js)/

// Readers have these in their PATH. `curl` is Node's, because a machine may have none.
const shell = `
npx() { "$@"; }
qq-mini() { "$NODE" "$QQ_MINI" "$@"; }
node() { "$NODE" "$@"; }
vitest() { "$NODE" "$VITEST" "$@"; }
curl() { "$NODE" -e 'fetch(process.argv[2], { method: "POST", body: process.argv[1] }).then(async (r) => process.stdout.write(await r.text()))' "$2" "$3"; }
`

/** The names of packages that `npm install` would bring: they must be those of the workspace, as they are. */
const checkInstalled = (line: string, folder: string): void => {
  const require = createRequire(join(folder, "package.json"))
  for (const name of line.split(/\s+/).slice(2)) {
    if (name.startsWith("-") || name === "wrangler") continue
    assert.doesNotThrow(() => require.resolve(`${name}/package.json`), undefined, undefined, `${name} is not installed`)
  }
}

/**
 * Follows the blocks of a page in a folder. Commands that `standIns` name are theirs. Returns where something else was
 * printed than the page shows.
 */
export const follow = async (
  { blocks }: Page,
  options: {
    readonly folder: string
    readonly language: string
    readonly standIns?: ReadonlyArray<StandIn>
    /** The commands to run, if not all of them. */
    readonly only?: RegExp
    /** Called with each file that was written. Returns what doing so printed. */
    readonly onFile?: (path: string) => Promise<string>
  }
): Promise<ReadonlyArray<Difference>> => {
  const { folder: home, language, onFile = async () => "", only = /^/, standIns = [] } = options
  const ports = new Map(
    await Promise.all(["7711", "3000", "8787"].map(async (port) => [port, await freePort()] as const))
  )
  const here = (code: string) =>
    Array.from(ports).reduce((code, [port, free]) => code.replaceAll(port, `${free}`), code)
  const running: Array<ChildProcess> = []
  const exported: Array<string> = []
  let folder = home
  let printed: string | undefined
  const differences: Array<Difference> = []

  const start = (line: string): ChildProcess =>
    spawn("bash", ["-c", `${shell}\n${exported.join("\n")}\n${line}`], {
      cwd: folder,
      detached: true,
      env: {
        ...environment(),
        LANG: language,
        NO_COLOR: "1",
        NODE: process.execPath,
        QQ_MINI: command,
        VITEST: resolve(import.meta.dirname, "../../../node_modules/vitest/vitest.mjs"),
        npm_config_offline: "true"
      },
      stdio: ["ignore", "pipe", "pipe"]
    })

  /** Runs a command to its end. */
  const run = async (line: string, at: string): Promise<string> => {
    const child = start(`${line}\npwd >&2`)
    const exit = new Promise<number | null>((resolve) => child.on("close", resolve))
    const [stdout, stderr, code] = await Promise.all([text(child.stdout!), text(child.stderr!), exit])
    assert.strictEqual(code, 0, `${at}: ${line}\n${stdout}${stderr}`)
    folder = stderr.trim().split("\n").at(-1)!
    return stdout
  }

  /** Starts a server, and waits until it has printed what the page shows. */
  const serve = (line: string, shown: string, at: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = start(line.includes("sandbox") ? `${line} --port ${ports.get("7711")}` : line)
      running.push(child)
      let out = ""
      const onData = (data: Buffer) => {
        out += String(data)
        if (isShown(out, shown)) resolve(out)
      }
      child.stdout!.on("data", onData)
      child.stderr!.on("data", onData)
      const fail = () => reject(new Error(`${at}: ${line}\nThe page shows\n${shown}\nIt printed\n${out}`))
      child.on("exit", fail)
      setTimeout(fail, patienceMillis).unref()
    })

  const doLine = async (line: string, next: Block | undefined, at: string): Promise<string> => {
    const standIn = standIns.find(({ command }) => command.test(line))
    if (standIn !== undefined) return String((await standIn.run({ folder, home, ports })) ?? "")
    if (line.startsWith("npm install")) {
      checkInstalled(line, folder)
      return ""
    }
    if (/^(?:export|unset) /.test(line)) {
      exported.push(line)
      return ""
    }
    if (!isServer.test(line)) return run(line, at)
    return serve(line, next?.language === "text" ? here(next.code) : "…", at)
  }

  try {
    for (const [i, block] of blocks.entries()) {
      const { at, code, file, language } = block
      if (file !== undefined) {
        const path = join(folder, file)
        await mkdir(dirname(path), { recursive: true })
        const lines = here(code).split("\n").slice(1).join("\n")
        await writeFile(path, file.endsWith(".json") ? lines.replaceAll(/^\s*\/\/ .*$/gm, "") : lines)
        printed = await onFile(path)
      } else if (language === "sh") {
        for (const line of here(code)
          .replaceAll(/(?:^|\s+)# .*$/gm, "")
          .trim()
          .split("\n")) {
          printed = only.test(line) ? await doLine(line, blocks[i + 1], at) : undefined
        }
      } else if (language === "text" && printed !== undefined) {
        const shown = here(code)
        if (!isShown(printed, shown)) differences.push({ at, shown, printed })
      }
    }
    return differences
  } finally {
    for (const { pid } of running) process.kill(-pid!, "SIGTERM")
  }
}

/** The file that a page wrote, as JSON. */
export const jsonOf = async (...path: ReadonlyArray<string>): Promise<any> =>
  JSON.parse((await readFile(join(...path), "utf8")).replaceAll(/^\s*\/\/ .*$/gm, ""))
