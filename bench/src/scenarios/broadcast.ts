/**
 * A broadcast to many recipients, on SQLite or on Redis, which writes its file at each command: loading (from a generator
 * and from a CSV file), sending (by one process and by four), resuming after `kill -9`, and reading the progress. QQ answers
 * at once.
 */
import { fork } from "node:child_process"
import { createWriteStream, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { fileURLToPath } from "node:url"
import { Redis } from "../../../test/src/support/redis.ts"
import { recipientsFrom, type Results, type Task } from "../broadcastProcess.ts"

const [url, kind, count = "100000"] = process.argv.slice(2)
const recipients = Number(count)
const program = fileURLToPath(new URL("../broadcastProcess.ts", import.meta.url))
const csv = join(tmpdir(), `qq-mini-${recipients}.csv`)

const run = <Action extends Task["action"]>(task: Omit<Task, "url"> & { readonly action: Action }) =>
  new Promise<Results[Action]>((resolve, reject) => {
    const child = fork(program, [JSON.stringify({ url, ...task })], { execArgv: ["--expose-gc"] })
    let result: Results[Action] | undefined
    child.once("message", (message) => (result = message as Results[Action]))
    child.once("exit", (code, signal) =>
      code === 0 || (signal === "SIGKILL" && task.killAt !== undefined)
        ? resolve(result!)
        : reject(new Error(`${task.action} ended with ${code ?? signal}`))
    )
  })

/** Bytes of the ledger and of the queue, and microseconds of CPU that the store has used outside of our processes. */
interface Used {
  readonly ledger: number
  readonly queue: number
  readonly cpu: number
}

interface Store extends AsyncDisposable {
  readonly name: string
  readonly used: () => Promise<Used>
}

const inFile = (): Store => {
  const path = join(tmpdir(), `qq-mini-broadcast-${process.pid}.sqlite`)
  return {
    name: `sqlite:${path}`,
    used: async () => {
      const database = new DatabaseSync(path)
      database.exec("PRAGMA wal_checkpoint(TRUNCATE)")
      const [used] = database
        .prepare(
          `SELECT sum(pgsize) FILTER (WHERE tbl_name LIKE 'broadcast%') AS ledger,
            sum(pgsize) FILTER (WHERE tbl_name = 'queue') AS queue
            FROM dbstat JOIN sqlite_schema USING (name)`
        )
        .all()
      database.close()
      return { ledger: Number(used!["ledger"]), queue: Number(used!["queue"]), cpu: 0 }
    },
    [Symbol.asyncDispose]: async () => {
      for (const end of ["", "-wal", "-shm"]) rmSync(path + end, { force: true })
    }
  }
}

const field = (info: string, name: string) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)![1])

const inRedis = async (): Promise<Store> => {
  const redis = await Redis.start("--appendonly", "yes", "--appendfsync", "always")
  const ask = async (...command: ReadonlyArray<string>) => String(await redis.ask(...command))
  const empty = field(await ask("INFO", "memory"), "used_memory_dataset")
  return {
    name: redis.url,
    used: async () => {
      const info = await ask("INFO")
      const keys = (await redis.ask("KEYS", "*{ledger:*")) as ReadonlyArray<string>
      let ledger = 0
      for (const key of keys) ledger += Number(await ask("MEMORY", "USAGE", key, "SAMPLES", "0"))
      return {
        ledger,
        queue: field(info, "used_memory_dataset") - empty - ledger,
        cpu: (field(info, "used_cpu_user") + field(info, "used_cpu_sys")) * 1e6
      }
    },
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose]()
  }
}

const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[values.length >> 1]!
const least = (values: ReadonlyArray<number>) => Math.min(...values)

await pipeline(
  Readable.from(
    (function* () {
      yield "openid,keyword1,keyword2\n"
      for (const row of recipientsFrom(0, recipients)) yield `${Object.values(row).join(",")}\n`
    })()
  ),
  createWriteStream(csv)
)
await using store = kind === "redis" ? await inRedis() : inFile()
const all = { store: store.name, id: "all", recipients, source: "all" } as const
const fromCsv = { store: store.name, id: "csv", recipients, source: { csv } } as const
const perRecipient = (bytes: Used) => ({ ledger: bytes.ledger / recipients, queue: bytes.queue / recipients })

const loading = await run({ ...all, action: "load" })
const loaded = await store.used()
const rounds = 5
// More would take hours, and show nothing else.
const mostMessages = 100_000
const { bare, broadcast } = await run({ ...all, action: "compare", messages: Math.min(recipients / 50, 4_000), rounds })
const before = (await store.used()).cpu
const four = await Promise.all(
  Array.from({ length: 4 }, () => run({ ...all, action: "send", messages: mostMessages / 4 }))
)
const sent = four.reduce((sum, one) => sum + one.sent, 0)
const done = await store.used()
const millisOfFour = Math.max(...four.map(({ ended }) => ended)) - least(four.map(({ began }) => began))
const { millis } = await run({ ...all, action: "progress" })
const half = await run({ ...fromCsv, action: "load", killAt: recipients / 2 })
const again = await run({ ...fromCsv, action: "resume" })
const skipping = await run({ ...fromCsv, source: "skipping", action: "resume" })

console.log(
  JSON.stringify({
    store: kind,
    recipients,
    load: { rate: (loading.rows / loading.millis) * 1_000, cpu: loading.cpu, memory: loading.memory },
    csv: { rate: (half.rows / half.millis) * 1_000, cpu: half.cpu, memory: half.memory },
    bytes: { loaded: perRecipient(loaded), done: perRecipient(done) },
    send: {
      bare: { cpu: least(bare.map(({ cpu }) => cpu)), rate: median(bare.map(({ rate }) => rate)) },
      one: { cpu: least(broadcast.map(({ cpu }) => cpu)), rate: median(broadcast.map(({ rate }) => rate)) },
      // of the rounds side by side
      ratio: median(broadcast.map(({ cpu }, i) => cpu / bare[i]!.cpu)),
      four: {
        cpu: median(four.map(({ cpu }) => cpu)),
        rate: (sent / millisOfFour) * 1_000,
        memory: Math.max(...four.map(({ memory }) => memory.rss))
      },
      storeCpu: (done.cpu - before) / sent
    },
    progress: median(millis),
    resume: { again, skipping }
  })
)
