/**
 * A broadcast by several processes that are killed and frozen at random, over stores that fail, to a QQ that fails.
 * Afterwards the platform's log and the ledger tell whether anybody got two messages or was lost.
 */
import * as SendLedger from "@qq-mini/core/SendLedger"
import type { Progress } from "@qq-mini/core/Broadcast"
import * as BulkStores from "@qq-mini/node/BulkStores"
import type * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import { build } from "esbuild"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { Proxy } from "../support/faultyProxy.ts"
import { Redis } from "../support/redis.ts"
import type { Task } from "./worker.ts"

/** What happens to a broadcast. */
export interface Plan {
  readonly store: "sqlite" | "redis"
  readonly recipients: number
  readonly workers: number
  /** Recipients of a chunk. By default 200. */
  readonly chunkSize?: number
  /** Processes that are killed with SIGKILL, evenly over the broadcast. */
  readonly kills: number
  /** Processes that are stopped for some seconds. */
  readonly freezes: number
  /** How often Redis is killed and started again. */
  readonly restarts: number
  /** The share of requests to QQ that fail. */
  readonly faults: number
  readonly rate?: { readonly max: number; readonly window: number }
  /** The timeout of a message (ms). A chunk is kept from others for one and a half times as long. By default 2,000. */
  readonly deadline?: number
  /** Called now and then with the number of requests that QQ got. */
  readonly onProgress?: (requests: number) => void
}

/** What the ledger and the platform say at the end. */
export interface Outcome {
  readonly result: Progress
  readonly requests: ReadonlyArray<Sandbox.LogEntry>
  /** Recipients that got more than one message. */
  readonly twice: ReadonlyArray<string>
  /** Rows that the ledger calls `sent` and the platform does not know. */
  readonly notInLog: ReadonlyArray<string>
  /** Messages of the platform whose row is neither `sent` nor `unknown`. */
  readonly notInLedger: ReadonlyArray<string>
  readonly connectionsCut: number
  readonly tokens: number
}

const deadlineMillis = 2_000
// Longer than a chunk is kept from others, and than a claim lasts.
const freezeDeadlines = 5
const call = "subscribeMessage.send"

/** The worker as one file, which starts in a quarter of the time. */
const bundle = async (folder: string): Promise<string> => {
  const outfile = join(folder, "worker.mjs")
  await build({
    entryPoints: [fileURLToPath(new URL("worker.ts", import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    external: ["sharp"],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
    logLevel: "warning"
  })
  return outfile
}

/** The processes of a broadcast. One that dies is started again, until it has ended by itself. */
class Workers {
  readonly #command: ReadonlyArray<string>
  readonly #running = new Map<number, ChildProcess>()
  readonly results: Array<Progress> = []
  error: string | undefined

  constructor(command: ReadonlyArray<string>, count: number) {
    this.#command = command
    for (let n = 0; n < count; n++) this.#start(n)
  }

  #start(n: number): void {
    const child = spawn(process.execPath, this.#command, { stdio: ["ignore", "pipe", "pipe"] })
    this.#running.set(n, child)
    let [output, errors] = ["", ""]
    child.stdout.on("data", (text) => (output += String(text)))
    child.stderr.on("data", (text) => (errors = `${errors}${String(text)}`.slice(-4_000)))
    child.once("exit", (code, signal) => {
      this.#running.delete(n)
      if (code === 0 && output !== "") this.results.push(JSON.parse(output) as Progress)
      // A process that starts while Redis is away ends with an error, and its supervisor starts it again.
      else if (signal === "SIGKILL" || errors.includes("can't be used")) this.#start(n)
      else this.error ??= `a worker ended with ${code ?? signal}: ${errors}`
    })
  }

  get isRunning(): boolean {
    return this.#running.size > 0
  }

  /** One of the processes at random. */
  #any(): ChildProcess | undefined {
    const all = [...this.#running.values()]
    return all[Math.floor(Math.random() * all.length)]
  }

  kill(): void {
    this.#any()?.kill("SIGKILL")
  }

  async freeze(millis: number): Promise<void> {
    const child = this.#any()
    child?.kill("SIGSTOP")
    await setTimeout(millis)
    child?.kill("SIGCONT")
  }

  end(): void {
    for (const child of this.#running.values()) child.kill("SIGKILL")
  }
}

/** The rows of a broadcast by their recipients. */
const rowsOf = (store: string, id: string, recipients: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const ledger = yield* SendLedger.SendLedger
    const rows = new Map<string, SendLedger.Row | undefined>()
    for (let i = 0; i < recipients.length; i += 500) {
      const some = recipients.slice(i, i + 500)
      const found = yield* ledger.rows(id, some)
      for (const [j, openid] of some.entries()) rows.set(openid, found[j])
    }
    return rows
  }).pipe(Effect.provide(BulkStores.layer({ store })), Effect.runPromise)

/** Runs a broadcast under a plan. */
export const run = async (plan: Plan): Promise<Outcome> => {
  await using all = new AsyncDisposableStack()
  const { deadline = deadlineMillis } = plan
  const folder = await mkdtemp(join(tmpdir(), "qq-mini-bulk-"))
  all.defer(() => rm(folder, { recursive: true, force: true }))
  const platform = all.use(await SandboxServer.start())
  const openids = await platform.run(({ login, subscribe }) =>
    Effect.forEach(Array.from({ length: plan.recipients }), (_, i) =>
      Effect.tap(
        Effect.map(login({ user: `user ${i}` }), ({ openid }) => openid),
        // More than one, so that a second message is not refused.
        (openid) => subscribe({ openid, times: 9 })
      )
    )
  )
  const file = join(folder, "openids.txt")
  await writeFile(file, openids.join("\n"))
  let redis: Redis | undefined
  let proxy: Proxy | undefined
  if (plan.store === "redis") {
    redis = all.use(await Redis.start("--appendonly", "yes", "--appendfsync", "always"))
    proxy = all.use(await Proxy.start(redis.port))
  }
  const store = proxy === undefined ? `sqlite:${join(folder, "bulk.sqlite")}` : `redis://127.0.0.1:${proxy.port}`
  if (plan.faults > 0) {
    const share = plan.faults / 4
    for (const kind of ["resetBefore", "resetAfter", "html502", "code"] as const) {
      await platform.run(({ fault }) => fault({ kind, endpoint: call, share }))
    }
    if (proxy !== undefined) proxy.cut = plan.faults / 10
  }
  const task: Task = {
    id: "chaos",
    baseUrl: platform.url,
    store,
    openids: file,
    chunkSize: plan.chunkSize ?? 200,
    concurrency: 16,
    deadline,
    lockExpiration: 1.5 * deadline,
    rate: plan.rate
  }
  const workers = new Workers([await bundle(folder), JSON.stringify(task)], plan.workers)
  all.defer(() => workers.end())

  // Each event at its own part of the broadcast.
  const events = [
    ...Array.from({ length: plan.kills }, () => () => workers.kill()),
    ...Array.from(
      { length: plan.freezes },
      () => () => void workers.freeze(Math.random() * freezeDeadlines * deadline)
    ),
    ...Array.from({ length: redis === undefined ? 0 : plan.restarts }, () => async () => {
      await redis!.stop()
      await setTimeout(Math.random() * 2_000)
      await redis!.start()
    })
  ]
    .map((event) => ({ event, at: Math.random() * 0.95 * plan.recipients }))
    .sort((a, b) => a.at - b.at)
  while (workers.isRunning) {
    await setTimeout(100)
    if (workers.error !== undefined) throw new Error(workers.error)
    const requests = await platform.run(({ count }) => count(call))
    plan.onProgress?.(requests)
    while (events.length > 0 && events[0]!.at <= requests) await events.shift()!.event()
  }
  if (workers.error !== undefined) throw new Error(workers.error)

  const log = await platform.run(({ log }) => log)
  const requests = log.filter(({ endpoint }) => endpoint === call)
  const messages = new Map<string, number>()
  const twice = new Set<string>()
  for (const { code, params } of requests) {
    const openid = String(params["touser"])
    // Also a second message that QQ would have refused.
    if (messages.has(openid)) twice.add(openid)
    if (code === 0) messages.set(openid, 1)
  }
  // What is read at the end is no part of it.
  if (proxy !== undefined) proxy.cut = 0
  const rows = await rowsOf(store, task.id, openids)
  return {
    result: workers.results[0]!,
    requests,
    twice: [...twice],
    notInLog: openids.filter((openid) => rows.get(openid)?.state === "sent" && !messages.has(openid)),
    notInLedger: [...messages.keys()].filter((openid) => !/^(sent|unknown)$/.test(rows.get(openid)?.state ?? "")),
    connectionsCut: proxy?.cuts ?? 0,
    tokens: log.filter(({ endpoint }) => endpoint === "auth.getAccessToken").length
  }
}

/** The most of these times, in their order, that lie in any window of this length. */
export const most = (times: ReadonlyArray<number>, window: number): number => {
  let found = 0
  for (let from = 0, to = 0; from < times.length; from++) {
    while (to < times.length && times[to]! < times[from]! + window) to++
    found = Math.max(found, to - from)
  }
  return found
}
