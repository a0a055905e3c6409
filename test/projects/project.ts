/** A project of a user: copied elsewhere, installed from the packed packages, and run there. */
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { cp, mkdtemp, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { promisify, stripVTControlCharacters } from "node:util"
import { inject } from "vitest"

const execute = promisify(execFile)

/** The status of an answer, and its body: a value if it is JSON, otherwise the text. */
export type Answer = readonly [status: number, body: unknown]

/** A program that serves. */
export interface Server extends AsyncDisposable {
  /** The address that it printed. */
  readonly url: string
  /** The line with the address. */
  readonly line: string
  readonly get: (path: string) => Promise<Answer>
  /** Posts JSON. */
  readonly post: (path: string, body: unknown) => Promise<Answer>
  /** Ends it with a signal. Returns its exit code, or the signal's name if the signal killed it, and what it printed. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<{ readonly code: number | string; readonly printed: string }>
}

/** The sandbox of the project, as the command `qq-mini sandbox` starts it. */
export interface Sandbox extends Server {
  /** What an app needs to use it. */
  readonly env: Readonly<Record<string, string>>
  /** Calls a method of it. */
  readonly do: (method: string, argument?: unknown) => Promise<any>
  /** Waits until a request for this call is there. */
  readonly has: (call: string) => Promise<void>
}

/** A project that is installed. */
export interface Project {
  readonly folder: string
  /** Runs a program to its end. Returns what it printed; fails with it if the program fails. */
  readonly run: (command: string, args?: ReadonlyArray<string>, env?: NodeJS.ProcessEnv) => Promise<string>
  /** Starts a program, and waits for the address that it prints. */
  readonly serve: (command: string, args?: ReadonlyArray<string>, env?: NodeJS.ProcessEnv) => Promise<Server>
  readonly startSandbox: () => Promise<Sandbox>
}

// Of the environment what a user's shell has: nothing of pnpm, of vitest, or of the Node that runs them. Behind a proxy
// that opens TLS, npm needs its certificate.
const shell = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        name === "npm_config_registry" ||
        name === "NODE_EXTRA_CA_CERTS" ||
        !/^(npm_|pnpm_|VITEST|NODE_|QQ_|INIT_CWD)/.test(name)
    )
  )

/** The packed packages that a project needs, with those that they need. */
const archivesOf = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const packed = inject("packed")
  const found = new Set(names.filter((name) => name in packed))
  for (const name of found) for (const other of packed[name]!.needs) found.add(other)
  return Array.from(found, (name) => packed[name]!.archive)
}

/** A program of the workspace, for what a user does not install by npm. */
export const programOf = (name: string): string =>
  fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url))

/** Copies a project, and installs it with npm. `more` is installed too. */
export const install = async (name: string, more: ReadonlyArray<string> = []): Promise<Project> => {
  const source = fileURLToPath(new URL(name, import.meta.url))
  const folder = await mkdtemp(join(tmpdir(), `${name}-`))
  await cp(source, folder, { recursive: true, filter: (path) => !path.includes("node_modules") })

  const envWith = (env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
    ...shell(),
    PATH: [join(folder, "node_modules/.bin"), dirname(process.execPath), process.env["PATH"]].join(":"),
    NO_COLOR: "1",
    ...env
  })

  const run: Project["run"] = async (command, args = [], env) => {
    try {
      const { stderr, stdout } = await execute(command, args, {
        cwd: folder,
        env: envWith(env),
        maxBuffer: 64 * 1024 * 1024
      })
      return stripVTControlCharacters(stdout + stderr)
    } catch (error) {
      const { stderr, stdout } = error as { readonly stderr: string; readonly stdout: string }
      throw new Error(`${name}: ${command} ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause: error })
    }
  }

  const serve: Project["serve"] = async (command, args = [], env) => {
    // a group of its own: a package's command is often a script that starts the program
    const child = spawn(command, args, {
      cwd: folder,
      env: envWith(env),
      stdio: ["ignore", "pipe", "pipe"],
      detached: true
    })
    let printed = ""
    const exit = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>
    const line = await new Promise<string>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on("line", (line) => {
          printed += `${stripVTControlCharacters(line)}\n`
          if (/http:\/\/[\w.]+:\d+/.test(line)) resolve(stripVTControlCharacters(line))
        })
      }
      exit.then(
        () => reject(new Error(`${name}: ${command} ${args.join(" ")} ended:\n${printed}`)),
        (error: unknown) => reject(error as Error)
      )
    })
    const stop: Server["stop"] = async (signal = "SIGKILL") => {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, signal)
      const [code, killedBy] = await exit
      return { code: code ?? killedBy!, printed }
    }
    const url = /http:\/\/[\w.]+:\d+/.exec(line)![0].replace("localhost", "127.0.0.1")
    const ask = async (path: string, init?: RequestInit): Promise<Answer> => {
      const response = await fetch(`${url}${path}`, init)
      const isJson = response.headers.get("content-type")?.includes("json") === true
      return [response.status, isJson ? await response.json() : await response.text()]
    }
    const post: Server["post"] = (path, body) =>
      ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })
    return { url, line, get: ask, post, stop, [Symbol.asyncDispose]: async () => void (await stop()) }
  }

  const startSandbox = async (): Promise<Sandbox> => {
    const server = await serve("qq-mini", ["sandbox", "--port", "0", "--json"])
    const call: Sandbox["do"] = async (method, ...args) => {
      const response = await fetch(`${server.url}/sandbox/do/${method}`, { method: "POST", body: JSON.stringify(args) })
      const text = await response.text()
      if (!response.ok) throw new Error(`sandbox.${method}: ${text}`)
      return JSON.parse(text).result
    }
    return {
      ...server,
      env: JSON.parse(server.line).env,
      do: call,
      has: async (name) => {
        while ((await call("requests", name)).length === 0) await setTimeout(20)
      }
    }
  }

  const { dependencies, devDependencies } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"))
  const archives = archivesOf(Object.keys({ ...dependencies, ...devDependencies }))
  const start = performance.now()
  // `--no-save`: what the project's package.json says stays, as if the packages came from the registry
  const options = ["--no-save", "--no-audit", "--no-fund", "--no-update-notifier", "--prefer-offline"]
  await run("npm", ["install", ...options, ...archives, ...more])
  const megabytes = (await run("du", ["-sk", "node_modules"])).split("\t")[0]!
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  console.log(`${name}: installed in ${seconds} s, ${(Number(megabytes) / 1024).toFixed(0)} MB`)
  return { folder, run, serve, startSandbox }
}
