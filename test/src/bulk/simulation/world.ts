/** Everything that there is in a run: the store, the queue, QQ, the workers and the operator, and the laws that look on. */
import * as Broadcast from "@qq-mini/core/Broadcast"
import { QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as SendLedger from "@qq-mini/core/SendLedger"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Stream from "effect/Stream"
import { Facts } from "../../simulation/facts.ts"
import { Network } from "../../simulation/network.ts"
import type { FaultPlan as NetworkFault } from "../../simulation/plan.ts"
import { draws, seedOf } from "../../simulation/random.ts"
import { Process, Timeline } from "../../simulation/scheduler.ts"
import type { Violation } from "../../simulation/world.ts"
import type { Line } from "../../simulation/story.ts"
import { Laws } from "./laws.ts"
import type { Plan, RowPlan, WorkerPlan } from "./plan.ts"
import { QQ } from "./qq.ts"
import { Chunks } from "./queue.ts"
import { Store } from "./store.ts"

// When the run begins, by clocks that show a date, 16:00 in China, and by others (ms).
const dateMillis = 1_800_000_000_000
const epochMillis = 2_000_000_000
const id = "autumn"
// What a step may take beyond its budget, and an end beyond the timeout of a message (ms).
const slackMillis = 1_500
const lastResultsMillis = 5_000
// So long after a trouble with the store something may be late (ms).
const troubledMillis = 20_000

type Services = QQMini.QQMini | SendLedger.SendLedger | Quota.Quota | PersistedQueue.PersistedQueueFactory

/** One process, from its start to its end. */
interface Living {
  readonly name: string
  readonly process: Process
  readonly fiber: Fiber.Fiber<unknown, unknown>
  isInterrupted: boolean
}

/** What became of an actor: it lives, or how its last process ended. */
export type Fate = "lives" | "done" | "interrupted" | "killed" | "failed"

/** A machine on which one process at a time runs an effect. */
class Actor {
  readonly name: string
  living: Living | undefined
  fate: Fate = "killed"
  frozenUntil = 0
  starts = 0

  constructor(name: string) {
    this.name = name
  }
}

const sourceOf = (rows: ReadonlyArray<RowPlan>) =>
  Stream.fromIterable(rows.map(({ openid }) => ({ openid, keyword1: "text" })))

const minutes = (count: number): string => `16:${String(count).padStart(2, "0")}`

export class World {
  readonly plan: Plan
  readonly timeline: Timeline
  readonly facts = new Facts()
  readonly lines: Array<Line> = []
  readonly laws: Laws
  readonly store: Store
  readonly queue: Chunks
  readonly actors = new Map<string, Actor>()
  readonly #qq: QQ
  /** The first law that was broken. */
  violation: Violation | undefined

  constructor(plan: Plan) {
    const draw = (part: number) => draws(seedOf(plan.seed, part))
    const timeline = new Timeline(draw(1), plan.inOrder)
    const network = new Network({
      timeline,
      faults: plan.faults.filter((fault): fault is NetworkFault & typeof fault => /^(weather|away)$/.test(fault.kind)),
      facts: this.facts,
      draw: draw(2),
      onAsk: () => {}
    })
    const laws = new Laws({
      plan,
      timeline,
      fail: (law, text) => this.fail(law, text),
      note: (text) => this.note(text),
      stateOf: (recipient) => this.store.now((ledger) => ledger.rows(id, [recipient]))[0]?.state
    })
    this.plan = plan
    this.timeline = timeline
    this.laws = laws
    this.store = new Store({
      network,
      laws,
      process: new Process(timeline, "store", draw(3), { wall: 0, monotonic: epochMillis + plan.storeClock })
    })
    this.queue = new Chunks({ network, timeline, draw: draw(4), lockMillis: plan.lock })
    this.#qq = new QQ({ plan, timeline, network, draw: draw(5), laws })
  }

  note(text: string): void {
    this.lines.push({ at: this.timeline.now, text })
  }

  fail(law: string, text: string): void {
    this.violation ??= { law, text, at: this.timeline.now }
  }

  get entry(): SendLedger.Entry | undefined {
    return this.store.now((ledger) => ledger.read(id))
  }

  #servicesFor(holder: string, name: string): Context.Context<Services> {
    const queue = PersistedQueue.makeFactory.pipe(
      Effect.provideService(PersistedQueue.PersistedQueueStore, this.queue.storeFor(holder))
    )
    return Context.make(QQMini.QQMini, this.#qq.clientFor(holder, name)).pipe(
      Context.add(SendLedger.SendLedger, this.store.ledgerFor(holder, name)),
      Context.add(Quota.Quota, this.store.quotaFor(holder)),
      Context.add(PersistedQueue.PersistedQueueFactory, Effect.runSync(queue))
    )
  }

  /** Whether the store or the process was slow since then. */
  #isTroubled(holder: string, from: number): boolean {
    const { now } = this.timeline
    const began = from - troubledMillis
    const isSlow = this.plan.faults.some(
      (fault) =>
        fault.kind === "weather" && fault.server === "store" && fault.at <= now && fault.at + fault.during > began
    )
    return isSlow || this.facts.troubles("store", began, now) + this.facts.troubles("freeze", began, now, holder) > 0
  }

  /** Starts a process on a machine. What ran there is gone. */
  start<E>(
    holder: string,
    clocks: { readonly wall: number; readonly monotonic: number },
    effect: (name: string) => Effect.Effect<void, E, Services>
  ): void {
    const actor = this.actors.get(holder) ?? new Actor(holder)
    this.actors.set(holder, actor)
    this.kill(holder)
    const name = `${holder}${++actor.starts}`
    const draw = draws(seedOf(this.plan.seed, 100 + [...this.actors.keys()].indexOf(holder) * 100 + actor.starts))
    const process = new Process(this.timeline, name, draw, {
      wall: dateMillis + clocks.wall,
      monotonic: epochMillis + clocks.monotonic
    })
    process.isFrozen = () => this.timeline.now < actor.frozenUntil
    this.note(`${name} starts`)
    const fiber = process.fork(effect(name), this.#servicesFor(holder, name))
    actor.living = { name, process, fiber, isInterrupted: false }
    actor.fate = "lives"
    fiber.addObserver((exit) => {
      actor.living = undefined
      const isInterrupted = Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
      actor.fate = isInterrupted ? "interrupted" : Exit.isSuccess(exit) ? "done" : "failed"
      this.note(`${name} is ${actor.fate}`)
      if (actor.fate === "failed")
        this.fail("B2", `${name} fails: ${Cause.pretty((exit as Exit.Failure<void, E>).cause)}`)
    })
  }

  kill(holder: string): void {
    const actor = this.actors.get(holder)
    if (actor?.living === undefined) return
    this.note(`${actor.living.name} is killed`)
    actor.living.process.die()
    actor.living = undefined
    actor.fate = "killed"
    actor.frozenUntil = 0
  }

  freeze(holder: string, millis: number): void {
    const { now } = this.timeline
    const actor = this.actors.get(holder)
    if (actor?.living === undefined) return
    this.facts.trouble("freeze", holder, now, now + millis)
    actor.frozenUntil = Math.max(actor.frozenUntil, now + millis)
    this.timeline.at(actor.frozenUntil, () => {})
  }

  /** Interrupts a process. B3: it ends soon, with nothing under way. */
  interrupt(holder: string, ended: () => void): void {
    const living = this.actors.get(holder)?.living
    if (living === undefined || living.isInterrupted) return
    const { now } = this.timeline
    living.isInterrupted = true
    const longest = this.plan.deadline + lastResultsMillis + this.plan.lock + slackMillis
    const cancel = this.timeline.at(now + longest, () => {
      if (this.actors.get(holder)?.living !== living || this.#isTroubled(holder, now)) return
      this.fail("B3", `${living.name} was interrupted ${longest} ms ago, and still runs`)
    })
    this.note(`${living.name} is interrupted`)
    living.fiber.addObserver(() => {
      cancel()
      if (!this.#isTroubled(holder, now)) this.laws.halted(living.name)
      ended()
    })
    living.process.later(() => living.fiber.interruptUnsafe())
  }

  /** What all who work on the broadcast have in common. */
  get #options() {
    const { chunkSize, deadline, quiet, rate } = this.plan
    const quietHours = quiet && { from: minutes(quiet.from), to: minutes(quiet.from + quiet.minutes) }
    return { id, template_id: "T", chunkSize, deadline, rate, quietHours }
  }

  /** A worker, which begins again after errors of the store, until the broadcast is over. */
  work(worker: WorkerPlan): void {
    const { rows } = this.plan
    const { budget, concurrency, every, name: holder, reads, runs } = worker
    const recipients =
      reads === "all" ? sourceOf(rows) : reads === "rest" ? (skip: number) => sourceOf(rows.slice(skip)) : undefined
    const body = (name: string) =>
      Effect.gen({ self: this }, function* () {
        const broadcast = yield* Broadcast.make({ ...this.#options, recipients, concurrency })
        for (;;) {
          const began = this.timeline.now
          const exit = yield* Effect.exit(runs === "run" ? broadcast.run : broadcast.step({ budget }))
          const took = this.timeline.now - began
          if (runs === "step" && took > budget + slackMillis && !this.#isTroubled(holder, began)) {
            this.fail("B3", `a step of ${budget} ms of ${name} took ${took} ms`)
          }
          if (Exit.isSuccess(exit)) {
            const { new: left, sending, state } = exit.value
            if (state === "finished" || (state === "cancelled" && sending === 0)) return
            // what is sent again makes no difference
            const isEarly = state === "loading" || (state !== "cancelled" && left > 0)
            if (runs === "run" && isEarly) this.fail("B2", `run of ${name} ends with ${state}`)
            yield* Effect.sleep(every)
          } else if (isOfStore(exit.cause, reads)) yield* Effect.sleep(1_000)
          else return yield* exit
        }
      })
    this.start(holder, worker, body)
  }

  /** The operator does something, again and again until the store answers. */
  operate(what: string, act: (broadcast: Broadcast.Broadcast) => Effect.Effect<unknown, QQError>): string {
    const holder = `operator ${what} ${this.timeline.now} `
    const again: Effect.Effect<void, QQError, Services> = Effect.flatMap(Broadcast.make(this.#options), (broadcast) =>
      Effect.asVoid(act(broadcast))
    ).pipe(
      Effect.catchCause((cause) =>
        isOfStore(cause, "all")
          ? Effect.andThen(Effect.sleep(500), again)
          : isOfStore(cause, "none")
            ? Effect.void
            : Effect.failCause(cause)
      )
    )
    this.start(holder, { wall: 0, monotonic: 0 }, () => again)
    return holder
  }
}

/** Whether it failed because the store did, or the broadcast is not there yet for one that reads nothing. */
const isOfStore = (cause: Cause.Cause<unknown>, reads: WorkerPlan["reads"]): boolean => {
  const failure = Cause.findFail(cause)
  if (failure._tag !== "Success" || !(failure.success.error instanceof QQError)) return false
  const { reason } = failure.success.error
  return reason._tag === "StoreFailed" || (reads === "none" && reason._tag === "InvalidInput" && reason.field === "id")
}
