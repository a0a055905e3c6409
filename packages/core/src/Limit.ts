/**
 * QQ's published limits, as values.
 */

/** One limit of one call. */
export interface Limit {
  readonly max: number
  /** A number is milliseconds. QQ has minutes and days only; tests have no time for those. */
  readonly per: "minute" | "day" | "ever" | number
  /** Whom QQ counts it for. */
  readonly for: "app" | "user"
  /**
   * Who keeps it: the client waits or refuses before it is passed; `qq` marks what the client can't count, because it
   * does not see the user or the past.
   */
  readonly keptBy: "client" | "qq"
}

/** So many a minute for the program. */
export const perMinute = (max: number): Limit => ({ max, per: "minute", for: "app", keptBy: "client" })
/** So many a day for the program. */
export const perDay = (max: number): Limit => ({ max, per: "day", for: "app", keptBy: "client" })
/** So many a minute or day for each user; QQ counts them. */
export const perUser = (max: number, per: "minute" | "day"): Limit => ({ max, per, for: "user", keptBy: "qq" })
/** So many in the program's whole life; QQ counts them. */
export const ever = (max: number): Limit => ({ max, per: "ever", for: "app", keptBy: "qq" })

const named = { minute: 60_000, day: 86_400_000, ever: Infinity } as const

/** Milliseconds of a limit's window. */
export const windowMillis = (per: Limit["per"]): number => (typeof per === "number" ? per : named[per])

/** The limits that one key keeps: the program and the call, and what QQ publishes for it. */
export interface Counted {
  readonly key: string
  readonly limits: ReadonlyArray<Limit>
}

/** Whether a client counts for any of the limits. */
export const isKept = ({ limits }: Counted): boolean => limits.some((limit) => limit.keptBy === "client")
