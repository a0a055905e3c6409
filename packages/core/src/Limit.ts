/**
 * QQ's published limits, as values.
 */

/** A limit on how often one call may be made. */
export interface Limit {
  /** The largest number of calls in the window. */
  readonly max: number
  /** The window in which `max` calls are allowed. A number is milliseconds, for tests: QQ has only minutes and days. */
  readonly window: "minute" | "day" | "lifetime" | number
  /** Whether QQ counts the calls of the whole program or of each user. */
  readonly scope: "app" | "user"
  /**
   * Who enforces the limit. `client`: the client's limiter waits or fails before the limit is exceeded. `qq`: the
   * client can't count the calls, because it does not know the user or earlier calls.
   */
  readonly enforcedBy: "client" | "qq"
}

/** At most `max` calls a minute for the program, enforced by the client. */
export const perMinute = (max: number): Limit => ({ max, window: "minute", scope: "app", enforcedBy: "client" })
/** At most `max` calls a day for the program, enforced by the client. */
export const perDay = (max: number): Limit => ({ max, window: "day", scope: "app", enforcedBy: "client" })
/** At most `max` calls a minute or a day for each user, enforced by QQ. */
export const perUser = (max: number, window: "minute" | "day"): Limit => ({
  max,
  window,
  scope: "user",
  enforcedBy: "qq"
})
/** At most `max` calls in the whole life of the program, enforced by QQ. */
export const perLifetime = (max: number): Limit => ({ max, window: "lifetime", scope: "app", enforcedBy: "qq" })

const namedMillis = { minute: 60_000, day: 86_400_000, lifetime: Infinity } as const

/** The length of a limit's window in milliseconds. */
export const windowMillis = (window: Limit["window"]): number =>
  typeof window === "number" ? window : namedMillis[window]

/** A key under which calls are counted, with the limits that apply to it. */
export interface CountedCall {
  /** The program and the call. */
  readonly key: string
  /** The limits of the call. */
  readonly limits: ReadonlyArray<Limit>
}

/** Whether the client enforces any of the limits. */
export const isEnforced = ({ limits }: CountedCall): boolean => limits.some((limit) => limit.enforcedBy === "client")
