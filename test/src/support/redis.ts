/** A Redis of one's own: real `redis-server` processes, which the set-up of the tests brings where they are missing. */
import { spawn, type ChildProcess } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { connect, createServer, type AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createClient } from "redis"
import { pathOf } from "./systemPrograms.ts"

export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

/** Nodes of a cluster talk to each other on a port that is higher by this. */
const busOffset = 10_000

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().on("error", () => resolve(false))
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)))
  })

const freePortWithBus = async (): Promise<number> => {
  const port = await freePort()
  return port + busOffset < 65_536 && (await isFree(port + busOffset)) ? port : freePortWithBus()
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.on("error", () => resolve(false))
    socket.on("connect", () => socket.write("PING\r\n"))
    socket.once("data", () => {
      socket.destroy()
      resolve(true)
    })
  })

/** A server on a port of its own, without persistence: what it held is gone when it ends. */
export class Redis implements AsyncDisposable {
  readonly port: number
  readonly #args: ReadonlyArray<string>
  readonly #folder: string
  #child: ChildProcess | undefined

  private constructor(port: number, folder: string, args: ReadonlyArray<string>) {
    this.port = port
    this.#folder = folder
    this.#args = args
  }

  static async start(...args: ReadonlyArray<string>): Promise<Redis> {
    const port = await (args.includes("--cluster-enabled") ? freePortWithBus() : freePort())
    const redis = new Redis(port, await mkdtemp(join(tmpdir(), "qq-mini-redis-")), args)
    await redis.start()
    return redis
  }

  /** A Sentinel with this configuration. */
  static async startSentinel(...lines: ReadonlyArray<string>): Promise<Redis> {
    const folder = await mkdtemp(join(tmpdir(), "qq-mini-sentinel-"))
    const file = join(folder, "sentinel.conf")
    await writeFile(file, lines.map((line) => `${line}\n`).join(""))
    const sentinel = new Redis(await freePort(), folder, [file, "--sentinel"])
    await sentinel.start()
    return sentinel
  }

  get url(): string {
    return `redis://${this.address}`
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Sends one command. */
  async ask(...command: ReadonlyArray<string>): Promise<unknown> {
    const client = createClient({ url: this.url, RESP: 2, socket: { reconnectStrategy: false } })
    client.on("error", () => {})
    await client.connect()
    try {
      return await client.sendCommand(command)
    } finally {
      client.destroy()
    }
  }

  async start(): Promise<void> {
    const [first, ...others] = this.#args
    const ours = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.#folder]
    const args = others.includes("--sentinel")
      ? [first!, ...others, ...ours]
      : [...ours, "--save", "", "--appendonly", "no", ...this.#args]
    this.#child = spawn(pathOf("redis-server"), args, { stdio: "ignore" })
    while (!(await answers(this.port))) {
      if (this.#child.exitCode !== null) throw new Error(`redis-server ended with ${this.#child.exitCode}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async stop(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null) return
    const exit = new Promise((resolve) => child.once("exit", resolve))
    child.kill("SIGKILL")
    await exit
  }

  /** Answers nothing until {@link thaw}, and then everything. */
  freeze(): void {
    this.#child?.kill("SIGSTOP")
  }

  thaw(): void {
    this.#child?.kill("SIGCONT")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
