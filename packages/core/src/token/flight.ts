/**
 * One fetch at a time for a program, for all callers of this process. Where each request runs apart from others, every call
 * makes its own, and the store's lease alone sees to T1.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { type Settings, WaitUntil } from "../internal/settings.ts"
import { monotonicMillis } from "../internal/time.ts"
import { ClientClosed, type Reason, TimedOut } from "../reason/client.ts"
import type { Obtain } from "./lease.ts"
import type { Flight, Program } from "./program.ts"
import { type Fetched, isNeeded, isWanted, type Wanted } from "./token.ts"

/** A flight, and whether another caller had begun it. */
export interface Boarding {
  readonly flight: Flight
  readonly joined: boolean
}

/** The flights of a client. */
export interface Flights {
  /** Begins a fetch, or joins the one under way. */
  readonly board: (program: Program, wanted: Wanted) => Effect.Effect<Boarding>
  /** Waits for a token that will do, `within` milliseconds at the most. */
  readonly wait: (program: Program, wanted: Wanted, within: number) => Effect.Effect<Fetched, Reason>
}

/** Hands a fiber over to the runtime's `waitUntil`. Gives whether there is one. */
export const handOver = (fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<boolean> =>
  Effect.flatMap(WaitUntil, (waitUntil) =>
    waitUntil === undefined
      ? Effect.succeed(false)
      : Effect.try(() => waitUntil(new Promise<void>((resolve) => fiber.addObserver(() => resolve())))).pipe(
          Effect.as(true),
          // A method that was taken from its object throws.
          Effect.catch(() =>
            Effect.as(Effect.logWarning("waitUntil failed: give it as (work) => ctx.waitUntil(work)"), false)
          )
        )
  )

/**
 * Waits for a flight. T9: interrupting one caller does not end it; where nothing may run after the answer, it ends with the
 * last who waits.
 */
export const arrival = (flight: Flight): Effect.Effect<Fetched, Reason> =>
  flight.goesOn
    ? Deferred.await(flight.done)
    : Effect.suspend(() => {
        flight.waiting++
        return Effect.ensuring(
          Deferred.await(flight.done),
          Effect.suspend(() => {
            if (--flight.waiting > 0 || flight.fiber === undefined) return Effect.void
            flight.isEnding = true
            return Fiber.interrupt(flight.fiber)
          })
        )
      })

/** The end of a flight: its outcome is remembered, and goes to those who wait. */
const land = (program: Program, flight: Flight, exit: Exit.Exit<Fetched, Reason>): Effect.Effect<void> =>
  Effect.flatMap(monotonicMillis, (now) => {
    const { app, memory } = program
    if (program.flight === flight) program.flight = undefined
    if (Exit.isSuccess(exit)) return Effect.asVoid(Deferred.done(flight.done, exit))
    const failure = Cause.findFail(exit.cause)
    memory.failed(failure._tag === "Success" ? failure.success.error : undefined, now)
    const isClosed = Cause.hasInterruptsOnly(exit.cause)
    const warning =
      memory.current === undefined ? Effect.void : Effect.logWarning(`${app.appid}: the access token was not renewed`)
    return Effect.andThen(Deferred.done(flight.done, isClosed ? Exit.fail(new ClientClosed({})) : exit), warning)
  })

/** Makes them. They run in the scope of the client and end with it. */
export const make = (obtain: Obtain, settings: Settings, scope: Scope.Scope): Flights => {
  const isShared = settings.runs !== "request"
  // The scope must not wait for a flight whose request was forgotten by the runtime, since that never ends.
  const fork = <A, E>(fetch: Effect.Effect<A, E>): Effect.Effect<Fiber.Fiber<A, E>> =>
    isShared
      ? Effect.forkIn(fetch, scope, { startImmediately: true })
      : Effect.forkDetach(fetch, { startImmediately: true })

  const launch = (program: Program, wanted: Wanted): Effect.Effect<Boarding> => {
    const flight: Flight = {
      done: Deferred.makeUnsafe(),
      goesOn: settings.runs === "process",
      waiting: 0,
      isEnding: false,
      fiber: undefined
    }
    if (isShared) program.flight = flight
    return obtain(program, wanted).pipe(
      // It belongs to all who wait, so to nobody's span.
      Effect.withSpan("QQMini.AccessToken.fetch", { root: true }, { captureStackTrace: false }),
      Effect.onExit((exit) => land(program, flight, exit)),
      fork,
      Effect.tap((fiber) => {
        flight.fiber = fiber
        // A scope that is closed already starts nothing.
        const exit = fiber.pollUnsafe()
        return exit === undefined ? Effect.void : land(program, flight, exit)
      }),
      Effect.flatMap(handOver),
      Effect.map((handedOver) => {
        flight.goesOn ||= handedOver
        return { flight, joined: false }
      })
    )
  }

  // From the mark to the fiber in one step, which nobody can interrupt.
  const board: Flights["board"] = (program, wanted) =>
    Effect.uninterruptible(
      Effect.suspend(() =>
        // T9: what was interrupted gives its lease back before it ends.
        program.flight === undefined || program.flight.isEnding
          ? launch(program, wanted)
          : Effect.succeed({ flight: program.flight, joined: true })
      )
    )

  const untilWanted = Effect.fnUntraced(function* (
    program: Program,
    wanted: Wanted
  ): Effect.fn.Return<Fetched, Reason> {
    for (;;) {
      const refused = program.memory.refusal(yield* monotonicMillis)
      if (refused !== undefined) return yield* refused
      const { flight, joined } = yield* board(program, wanted)
      const fetched = yield* Effect.result(arrival(flight))
      if (fetched._tag === "Failure") {
        // A renewal ahead of the end gives up sooner than a fetch that somebody needs.
        if (joined && fetched.failure._tag === "StoreFailed" && isNeeded(wanted)) continue
        return yield* fetched.failure
      }
      const { fresh, token } = fetched.success
      // Another caller's fetch may have promised less than is wanted here, and what it brings may be the very token that
      // was refused since. A token that was fetched for this caller will do, even if QQ gave the same again.
      if (isWanted(token.value, wanted) || (fresh && (wanted._tag === "Fresh" || !joined))) return fetched.success
    }
  })

  return {
    board,
    wait: (program, wanted, within) =>
      Effect.timeoutOrElse(untilWanted(program, wanted), {
        duration: Math.max(0, within),
        orElse: () => Effect.fail(new TimedOut({ during: "token", limit: Math.round(within) }))
      })
  }
}
