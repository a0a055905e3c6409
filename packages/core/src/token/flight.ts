/**
 * A flight is one fetch of a program's token that all callers of this process share. On runtimes that isolate requests,
 * every call makes its own fetch. There the lease in the store alone ensures T1.
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

/** A flight, and whether another caller had started it. */
export interface Joined {
  readonly flight: Flight
  readonly joined: boolean
}

/** The flights of a client. */
export interface Flights {
  /** Starts a fetch, or joins the one in flight. */
  readonly join: (program: Program, wanted: Wanted) => Effect.Effect<Joined>
  /** Waits for a token that satisfies `wanted`, at most `within` milliseconds. */
  readonly wait: (program: Program, wanted: Wanted, within: number) => Effect.Effect<Fetched, Reason>
}

/** Passes a fiber to the runtime's `waitUntil`. Returns whether there is a working `waitUntil`. */
export const passToWaitUntil = (fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<boolean> =>
  Effect.flatMap(WaitUntil, (waitUntil) =>
    waitUntil === undefined
      ? Effect.succeed(false)
      : Effect.try(() => waitUntil(new Promise<void>((resolve) => fiber.addObserver(() => resolve())))).pipe(
          Effect.as(true),
          // `waitUntil` throws if it was detached from its object.
          Effect.catch(() =>
            Effect.as(Effect.logWarning("waitUntil failed: give it as (work) => ctx.waitUntil(work)"), false)
          )
        )
  )

/**
 * Waits for a flight. T9: interrupting one caller does not end the flight. Where nothing may run after the answer, the
 * flight is interrupted when its last waiting caller is.
 */
export const resultOf = (flight: Flight): Effect.Effect<Fetched, Reason> =>
  flight.isDetached
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

/** Ends a flight: remembers its outcome, and passes it to the waiting callers. */
const complete = (program: Program, flight: Flight, exit: Exit.Exit<Fetched, Reason>): Effect.Effect<void> =>
  Effect.flatMap(monotonicMillis, (now) => {
    const { app, memory } = program
    if (program.flight === flight) program.flight = undefined
    if (Exit.isSuccess(exit)) return Effect.asVoid(Deferred.done(flight.done, exit))
    const failure = Cause.findFail(exit.cause)
    memory.recordFailure(failure._tag === "Success" ? failure.success.error : undefined, now)
    const isClosed = Cause.hasInterruptsOnly(exit.cause)
    const warning =
      memory.current === undefined ? Effect.void : Effect.logWarning(`${app.appid}: the access token was not renewed`)
    return Effect.andThen(Deferred.done(flight.done, isClosed ? Exit.fail(new ClientClosed({})) : exit), warning)
  })

/** Makes the flights of a client. They are interrupted when the client's scope is closed. */
export const make = (obtain: Obtain, settings: Settings, scope: Scope.Scope): Flights => {
  const isShared = settings.runs !== "request"
  // If the runtime may drop a request, its flight may never end. So the scope must not wait for it.
  const fork = <A, E>(fetch: Effect.Effect<A, E>): Effect.Effect<Fiber.Fiber<A, E>> =>
    isShared
      ? Effect.forkIn(fetch, scope, { startImmediately: true })
      : Effect.forkDetach(fetch, { startImmediately: true })

  const start = (program: Program, wanted: Wanted): Effect.Effect<Joined> => {
    const flight: Flight = {
      done: Deferred.makeUnsafe(),
      isDetached: settings.runs === "process",
      waiting: 0,
      isEnding: false,
      fiber: undefined
    }
    if (isShared) program.flight = flight
    return obtain(program, wanted).pipe(
      Effect.onExit((exit) => complete(program, flight, exit)),
      fork,
      Effect.tap((fiber) => {
        flight.fiber = fiber
        // In a closed scope the fiber ends without running.
        const exit = fiber.pollUnsafe()
        return exit === undefined ? Effect.void : complete(program, flight, exit)
      }),
      Effect.flatMap(passToWaitUntil),
      Effect.map((handedOver) => {
        flight.isDetached ||= handedOver
        return { flight, joined: false }
      })
    )
  }

  // Uninterruptible, so that `program.flight` is never set without a running fiber.
  const join: Flights["join"] = (program, wanted) =>
    Effect.uninterruptible(
      Effect.suspend(() =>
        // T9: do not join a flight that is being interrupted. It still has to release its lease.
        program.flight === undefined || program.flight.isEnding
          ? start(program, wanted)
          : Effect.succeed({ flight: program.flight, joined: true })
      )
    )

  const untilWanted = Effect.fnUntraced(function* (
    program: Program,
    wanted: Wanted
  ): Effect.fn.Return<Fetched, Reason> {
    for (;;) {
      const refused = program.memory.refusal(yield* monotonicMillis)
      if (refused !== undefined && (wanted._tag === "Fresh" || !program.memory.forcedFetchRefused))
        return yield* refused
      const { flight, joined } = yield* join(program, wanted)
      const fetched = yield* Effect.result(resultOf(flight))
      if (fetched._tag === "Failure") {
        program.memory.forcedFetchRefused = wanted._tag === "Fresh"
        // A renewal of a valid token gives up sooner than a fetch that a caller needs. So fetch again.
        if (joined && fetched.failure._tag === "StoreFailed" && isNeeded(wanted)) continue
        return yield* fetched.failure
      }
      const { fresh, token } = fetched.success
      if (fresh) program.memory.forcedFetchRefused = false
      // Another caller's flight may have wanted less, and may return the token that QQ refused. A token that was
      // fetched for this caller is accepted, even if QQ issued the same token again.
      if (isWanted(token.value, wanted) || (fresh && (wanted._tag === "Fresh" || !joined))) return fetched.success
    }
  })

  return {
    join,
    wait: (program, wanted, within) =>
      Effect.timeoutOrElse(untilWanted(program, wanted), {
        duration: Math.max(0, within),
        orElse: () => Effect.fail(new TimedOut({ during: "token", limit: Math.round(within) }))
      })
  }
}
