/** One process of a broadcast: it loads recipients or sends to them, and reports what it measured. */
import * as Broadcast from "@qq-mini/core/Broadcast"
import type { QQMini } from "@qq-mini/core/QQMini"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as Transport from "@qq-mini/core/Transport"
import * as BulkStores from "@qq-mini/node/BulkStores"
import * as CsvRecipients from "@qq-mini/node/CsvRecipients"
import * as NodeTransport from "@qq-mini/node/NodeTransport"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { hash } from "node:crypto"
import { layerOver } from "./subjects/ours.ts"

/** What a process does. */
export interface Task {
  readonly url: string
  readonly store: string
  readonly id: string
  /** How many recipients there are. */
  readonly recipients: number
  /** Where they come from: all of them again, a function that skips those that are loaded, or this CSV file. */
  readonly source: "all" | "skipping" | { readonly csv: string }
  /**
   * - `load`: loads the recipients and sends nothing, because of quiet hours.
   * - `send`: sends so many messages of what is loaded.
   * - `compare`: does the same, in turn with as many calls without a broadcast.
   * - `resume`: loads and sends until the first new recipient is loaded and the first message is sent.
   * - `progress`: reads the progress.
   */
  readonly action: "load" | "send" | "compare" | "resume" | "progress"
  readonly messages?: number
  readonly rounds?: number
  /** The process ends as by `kill -9` when so many recipients are loaded. */
  readonly killAt?: number
}

/** Memory in bytes when a part of the recipients was loaded. */
export interface Memory {
  readonly heap: number
  readonly rss: number
}
/** The cost of some messages: microseconds of CPU and messages a second. */
export interface Cost {
  readonly cpu: number
  readonly rate: number
}
/** How many rows were loaded in which time, with the CPU of a row. */
interface Loaded {
  readonly rows: number
  readonly millis: number
  readonly cpu: number
  readonly memory: ReadonlyArray<Memory>
}
/** How many messages were sent between two times of the day. */
interface Sent extends Cost {
  readonly sent: number
  readonly began: number
  readonly ended: number
}
/** What each action reports. Times are milliseconds. */
export interface Results {
  readonly load: Loaded
  readonly send: Sent & { readonly memory: Memory }
  readonly compare: { readonly bare: ReadonlyArray<Cost>; readonly broadcast: ReadonlyArray<Cost> }
  /** Since the start of the process: its modules are there, the first message is sent, the first new row is loaded. */
  readonly resume: { readonly modules: number; readonly message: number; readonly row: number }
  readonly progress: { readonly millis: ReadonlyArray<number> }
}

const modules = performance.now()
const concurrency = 16
const warmUp = 500
const marks = [0.1, 0.5, 1]
const template_id = "a".repeat(32)

/** The recipients from a number on. Openids are random, so that none is beside the one before in an index. */
export function* recipientsFrom(first: number, count: number) {
  for (let i = first; i < count; i++) {
    yield { openid: hash("md5", String(i)).toUpperCase(), keyword1: `编程入门课程第 ${i} 讲`, keyword2: "今晚八点直播" }
  }
}

const sourceOf = ({ recipients, source }: Task): Broadcast.Recipients<any, Error> =>
  typeof source === "object"
    ? CsvRecipients.read(source.csv)
    : source === "all"
      ? recipientsFrom(0, recipients)
      : (done: number) => recipientsFrom(done, recipients)

/** The time of the day in so many hours. */
const timeAt = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16)

/** Quiet hours that began an hour ago, for 22 hours. */
const quietNow = (): Broadcast.QuietHours => ({ from: timeAt(-1), to: timeAt(21), timeZone: "UTC" })

const memory = (): Memory => {
  global.gc!()
  const { heapUsed, rss } = process.memoryUsage()
  return { heap: heapUsed, rss }
}
const cpuNow = () => {
  const { system, user } = process.cpuUsage()
  return system + user
}

/** The messages that this process has sent. */
let sent = 0
let onSend: (sent: number) => void = () => {}
const counting = Layer.effect(
  Transport.Transport,
  Effect.map(Transport.Transport, ({ send }) =>
    Transport.Transport.of({
      send: (request) => {
        if (request.path !== SubscribeMessage.send.path) return send(request)
        onSend(++sent)
        return send(request)
      }
    })
  )
).pipe(Layer.provide(NodeTransport.layer))

/** Runs a broadcast, until so many more messages are sent or it is finished. Returns the cost after a warm-up. */
const sendSome = (broadcast: Broadcast.Broadcast<Error>, messages: number) =>
  Effect.gen(function* () {
    const enough = yield* Deferred.make<void>()
    const before = sent
    const first = { at: performance.now(), cpu: cpuNow(), sent: before }
    onSend = () => {
      if (sent === before + warmUp) Object.assign(first, { at: performance.now(), cpu: cpuNow(), sent })
      if (sent === before + warmUp + messages) Deferred.doneUnsafe(enough, Effect.void)
    }
    yield* Effect.raceFirst(broadcast.run, Deferred.await(enough))
    const ended = performance.now()
    return costOf(first, ended)
  })

const costOf = (first: { readonly at: number; readonly cpu: number; readonly sent: number }, ended: number): Sent => ({
  sent: sent - first.sent,
  cpu: (cpuNow() - first.cpu) / (sent - first.sent),
  rate: ((sent - first.sent) / (ended - first.at)) * 1_000,
  began: performance.timeOrigin + first.at,
  ended: performance.timeOrigin + ended
})

/** As many calls without a broadcast. */
const callSome = (messages: number) =>
  Effect.gen(function* () {
    const first = { at: performance.now(), cpu: cpuNow(), sent }
    const recipients = recipientsFrom(0, messages)
    const one = Effect.gen(function* () {
      for (const { keyword1, keyword2, openid } of recipients) {
        const data = { keyword1: { value: keyword1 }, keyword2: { value: keyword2 } }
        yield* SubscribeMessage.send({ touser: openid, template_id, page: "pages/index/index", data })
      }
    })
    yield* Effect.all(
      Array.from({ length: concurrency }, () => one),
      { concurrency: "unbounded" }
    )
    return costOf(first, performance.now())
  })

type Needed = QQMini | BulkStores.Stores
type Doing = { readonly [Action in Task["action"]]: (task: Task) => Effect.Effect<Results[Action], unknown, Needed> }

const make = ({ id }: Task, options: Partial<Broadcast.Options<any, Error>>) =>
  Broadcast.make({ id, template_id, page: "pages/index/index", concurrency, ...options })

const doing: Doing = {
  load: (task) =>
    Effect.gen(function* () {
      const broadcast = yield* make(task, { recipients: sourceOf(task), quietHours: quietNow() })
      const [began, cpu] = [performance.now(), cpuNow()]
      const seen: Array<Memory> = []
      const resultOf = (rows: number): Loaded => ({
        rows,
        millis: performance.now() - began,
        cpu: (cpuNow() - cpu) / rows,
        memory: seen
      })
      const loaded = broadcast.changes("50 millis").pipe(
        Stream.takeUntil(({ rows, state }) => {
          if (rows >= (task.killAt ?? Infinity))
            process.send!(resultOf(rows), () => process.kill(process.pid, "SIGKILL"))
          while (rows >= marks[seen.length]! * task.recipients) seen.push(memory())
          return state === "sending"
        }),
        Stream.runDrain
      )
      yield* Effect.raceFirst(loaded, broadcast.run)
      return resultOf(task.recipients)
    }),
  send: (task) =>
    Effect.gen(function* () {
      const cost = yield* sendSome(yield* make(task, {}), task.messages!)
      return { ...cost, memory: memory() }
    }),
  compare: (task) =>
    Effect.gen(function* () {
      const broadcast = yield* make(task, {})
      const costs: { readonly bare: Array<Cost>; readonly broadcast: Array<Cost> } = { bare: [], broadcast: [] }
      for (let round = 0; round <= task.rounds!; round++) {
        const bare = yield* callSome(task.messages!)
        const ours = yield* sendSome(broadcast, task.messages!)
        // the first one warms up
        if (round === 0) continue
        costs.bare.push(bare)
        costs.broadcast.push(ours)
      }
      return costs
    }),
  resume: (task) =>
    Effect.gen(function* () {
      const broadcast = yield* make(task, { recipients: sourceOf(task) })
      const { rows } = yield* broadcast.progress
      let message = 0
      onSend = () => (message ||= performance.now())
      const loaded = broadcast.changes("10 millis").pipe(
        Stream.takeUntil((now) => now.rows > rows),
        Stream.runDrain
      )
      yield* Effect.raceFirst(broadcast.run, loaded)
      return { modules, message, row: performance.now() }
    }),
  progress: (task) =>
    Effect.gen(function* () {
      const broadcast = yield* make(task, {})
      const millis: Array<number> = []
      for (let i = 0; i < 100; i++) {
        const began = performance.now()
        yield* broadcast.progress
        millis.push(performance.now() - began)
      }
      return { millis }
    })
}

if (process.send !== undefined) {
  const task = JSON.parse(process.argv[2]!) as Task
  const effect: Effect.Effect<Results[Task["action"]], unknown, Needed> = doing[task.action](task)
  const result = await effect.pipe(
    Effect.provide(Layer.merge(BulkStores.layer({ store: task.store }), layerOver(task.url, counting))),
    Effect.runPromise
  )
  process.send(result, () => process.exit())
}
