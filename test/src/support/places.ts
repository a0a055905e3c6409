/** Places of the limiter that is provided. */
import * as Quota from "@qq-mini/core/Quota"
import * as Effect from "effect/Effect"

/** Asks for a place, by default for one that is free now. */
export const reserve = (key: string, limits: ReadonlyArray<Quota.Limit>, maxWait = 0) =>
  Effect.flatMap(Quota.Quota, (quota) => quota.reserve({ key, limits, maxWait, ttl: 15_000 }))

/** How many places there are. */
export const remaining = (key: string, limits: ReadonlyArray<Quota.Limit>) =>
  Effect.flatMap(Quota.Quota, (quota) => quota.remaining({ key, limits }))
