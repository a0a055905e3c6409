/** The place where telemetry is attached: each part of a client passes through {@link Observe} when the client is made. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Progress } from "../broadcast/progress.ts"
import type { Admission } from "../call/admission.ts"
import type { Attempt } from "../call/attempt.ts"
import type { QQMini } from "../call/service.ts"
import type { Quota } from "../Quota.ts"
import type { Listeners } from "../token/events.ts"
import type { Flights } from "../token/flight.ts"
import type { GuardedStore } from "../token/guardedStore.ts"
import type { Obtain } from "../token/lease.ts"
import type { Transport } from "../Transport.ts"

/** The parts of a client that can be observed. */
export interface Observable {
  /** Makes a call. */
  readonly call: QQMini["Service"]["call"]
  /** Waits for a place and a turn. */
  readonly admission: Pick<Admission, "run" | "hasPlace">
  /** Makes one attempt of a call or of a token fetch. */
  readonly attempt: Attempt
  /** Sends the request of an attempt. */
  readonly transport: Transport["Service"]
  /** Counts calls. */
  readonly quota: Quota["Service"]
  /** The token store. */
  readonly store: GuardedStore
  /** Gets a token, once for all callers that wait for it. */
  readonly obtain: Obtain
  /** Makes callers wait for a token. */
  readonly flights: Flights
  /** Publishes the token events. */
  readonly listeners: Listeners
  /** Runs the work of a broadcast, which ends with the progress. */
  readonly broadcast: <E, R>(
    work: Effect.Effect<Progress, E, R>,
    progress: Effect.Effect<Progress, unknown>
  ) => Effect.Effect<Progress, E, R>
}

/** Takes a part of a client, and returns the part to use instead. */
export type Observe = <Name extends keyof Observable>(name: Name, part: Observable[Name]) => Observable[Name]

/** Functions that take parts of a client, by the names of the parts, and return the parts to use instead. */
export type Observers<Name extends keyof Observable> = {
  readonly [N in Name]: (part: Observable[N]) => Observable[N]
}

/** Observes nothing. So a call without telemetry costs what it did without this module. */
export const unobserved: Observe = (_, part) => part

/** How clients are observed that are made with it. By default not at all. */
export const Observe = Context.Reference<Observe>("@qq-mini/core/Observe", { defaultValue: () => unobserved })
