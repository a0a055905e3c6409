/**
 * Virtual time: processes whose turns run one after the other in an order that a seed decides, and a clock that jumps to
 * the next event when nothing can run. Everything happens within one call; nothing of the real event loop is used.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { MinimumLogLevel } from "effect/References"
import * as Scheduler from "effect/Scheduler"
import { type Draw, oneOf, randomOf } from "./random.ts"

type Turn = () => void

interface Event {
  readonly at: number
  /** Events of one moment happen in the order in which they were planned. */
  readonly order: number
  happen: Turn | undefined
}

const isBefore = (one: Event, other: Event) => one.at < other.at || (one.at === other.at && one.order < other.order)

/** The events to come: a binary heap. */
class Agenda {
  readonly #heap: Array<Event> = []

  add(event: Event): void {
    const heap = this.#heap
    let place = heap.push(event) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[place] = heap[parent]!
      place = parent
    }
    heap[place] = event
  }

  next(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || heap.length === 0) return first
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last!)) break
      heap[place] = heap[child]!
      place = child
    }
    heap[place] = last!
    return first
  }
}

const Here = Context.Reference<Process | undefined>("@qq-mini/test/simulation/Here", { defaultValue: () => undefined })

/** The process that runs an effect. */
export const here: Effect.Effect<Process> = Effect.withFiber((fiber) => Effect.succeed(fiber.getRef(Here)!))

const nanos = (millis: number): bigint => BigInt(Math.round(millis * 1e6))

/** How a process measures time. */
export interface Clocks {
  /** What its wall clock shows above the true time, in milliseconds. It may change. */
  wall: number
  /** What its monotonic clock shows above the true time, in milliseconds. */
  readonly monotonic: number
}

/** What runs on one machine: its turns and timers stop together. */
export class Process {
  readonly name: string
  readonly clocks: Clocks
  /** Clock, scheduler and random numbers, for the effects that run here. */
  readonly context: Context.Context<never>
  /** Neither turns nor timers run; both wait. */
  isFrozen: () => boolean = () => false
  isDead = false
  readonly turns: Array<Turn> = []
  readonly #timeline: Timeline

  constructor(timeline: Timeline, name: string, draw: Draw, clocks: Clocks = { wall: 0, monotonic: 0 }) {
    this.#timeline = timeline
    this.name = name
    this.clocks = clocks
    const scheduler: Scheduler.Scheduler = {
      executionMode: "async",
      shouldYield: (fiber) => fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield,
      makeDispatcher: () => ({ scheduleTask: (turn) => this.later(turn), flush: () => {} })
    }
    const wall = () => timeline.now + clocks.wall
    const monotonic = () => nanos(timeline.now + clocks.monotonic)
    const clock: Clock.Clock = {
      currentTimeMillisUnsafe: wall,
      currentTimeMillis: Effect.sync(wall),
      currentTimeNanosUnsafe: () => nanos(wall()),
      currentTimeNanos: Effect.sync(() => nanos(wall())),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      sleep: (duration) => this.sleep(Duration.toMillis(duration))
    }
    this.context = Context.empty().pipe(
      Context.add(Clock.Clock, clock),
      Context.add(Scheduler.Scheduler, scheduler),
      Context.add(Random.Random, randomOf(draw)),
      Context.add(MinimumLogLevel, "None"),
      Context.add(Here, this)
    )
  }

  /** Runs something when this process has its turn. */
  later(turn: Turn): void {
    if (this.isDead) return
    if (this.turns.push(turn) === 1) this.#timeline.ready(this)
  }

  /** Runs one of the turns that wait: the first at 0, the last just below 1. */
  turn(place: number): void {
    const [turn] = this.turns.splice(Math.floor(place * this.turns.length), 1)
    turn!()
  }

  /** Runs something after so many milliseconds, or when the process runs again; gives what cancels it. */
  after(millis: number, turn: Turn): () => void {
    let isCancelled = false
    const cancel = this.#timeline.at(this.#timeline.now + millis, () => this.later(() => isCancelled || turn()))
    return () => {
      isCancelled = true
      cancel()
    }
  }

  sleep(millis: number): Effect.Effect<void> {
    if (millis <= 0) return Effect.yieldNow
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.callback((resume) => Effect.sync(this.after(millis, () => resume(Effect.void))))
  }

  /** The process is gone, with all that it was about to do. Nothing of it is interrupted or cleaned up. */
  die(): void {
    this.isDead = true
    this.turns.length = 0
  }

  fork<A, E, R>(effect: Effect.Effect<A, E, R>, services: Context.Context<R>): Fiber.Fiber<A, E> {
    return Effect.runForkWith(Context.merge(services, this.context))(effect)
  }

  /** Runs an effect that waits for nothing. */
  now<A>(effect: Effect.Effect<A>): A {
    return Effect.runSyncWith(this.context)(effect)
  }
}

/** The order of all that happens. */
export class Timeline {
  /** The true time in milliseconds. */
  now = 0
  /** How many turns and events there were, and how many of them since the clock last moved. */
  steps = 0
  stepsAtOnce = 0
  readonly #agenda = new Agenda()
  readonly #draw: Draw
  readonly #inOrder: boolean
  /** Those that have something to do, frozen ones included. */
  readonly #ready = new Set<Process>()
  #order = 0

  /** `inOrder`: the turns of one process run in the order in which they came; the seed chooses the process alone. */
  constructor(draw: Draw, inOrder: boolean) {
    this.#draw = draw
    this.#inOrder = inOrder
  }

  ready(process: Process): void {
    this.#ready.add(process)
  }

  /** Plans an event; gives what cancels it. */
  at(time: number, happen: Turn): () => void {
    const event: Event = { at: Math.max(Math.ceil(time), this.now), order: this.#order++, happen }
    this.#agenda.add(event)
    return () => {
      event.happen = undefined
    }
  }

  /** Lets the next thing happen, no later than this time. Gives whether there was one. */
  step(until: number): boolean {
    const process = this.#choose()
    if (process !== undefined) {
      this.#count()
      process.turn(this.#inOrder ? 0 : this.#draw())
      return true
    }
    for (;;) {
      const event = this.#agenda.next()
      if (event === undefined) return false
      if (event.happen === undefined) continue
      if (event.at > until) {
        this.#agenda.add(event)
        return false
      }
      if (event.at > this.now) this.stepsAtOnce = 0
      this.now = event.at
      this.#count()
      event.happen()
      return true
    }
  }

  #choose(): Process | undefined {
    const awake: Array<Process> = []
    for (const process of this.#ready) {
      if (process.turns.length === 0) this.#ready.delete(process)
      else if (!process.isFrozen()) awake.push(process)
    }
    return awake.length < 2 ? awake[0] : oneOf(this.#draw, awake)
  }

  #count(): void {
    this.steps++
    this.stepsAtOnce++
  }
}

/** Runs an effect to its end in one process, from 0 ms on. An effect that waits for something else than time is a defect. */
export const runVirtual = <A>(effect: Effect.Effect<A>): A => {
  const timeline = new Timeline(() => 0, true)
  const process = new Process(timeline, "process", () => 0)
  const fiber = process.fork(effect, Context.empty())
  for (;;) {
    const exit = fiber.pollUnsafe()
    if (exit === undefined) {
      if (!timeline.step(Infinity)) throw new Error("waits for something else than time")
    } else if (Exit.isSuccess(exit)) return exit.value
    else throw Cause.squash(exit.cause)
  }
}
