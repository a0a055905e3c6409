/** How far a backfill is. */
import { isObject } from "effect/Predicate"
import * as Result from "effect/Result"
import type { QQError } from "../reason/error.ts"
import type { FunctionFailed } from "./content.ts"

/** The verdict on an item. Go on showing it only if it is `passed`. */
export type Verdict = {
  /** The name of the item. */
  readonly key: string
  /** Its line in the source, from 1. */
  readonly line: number
} & (
  | {
      /** What QQ said. */
      readonly verdict: "passed" | "risky"
      /** Whether it was kept from an earlier check of the same content. */
      readonly isReused: boolean
    }
  | {
      /** The content could not be read or checked, also after several tries. */
      readonly verdict: "failed"
      readonly error: QQError | FunctionFailed
    }
)

/** An item that could not be checked. */
export interface Failure {
  readonly key: string
  /** The line in the source, from 1. */
  readonly line: number
  /** Why, in English and Chinese. It never contains the content. */
  readonly problem: string
}

/** The items that are done. `checked + reused` and `passed + risky` are the same number. */
export interface Counts {
  /** Checked by QQ. */
  readonly checked: number
  /** Whose content had a kept verdict. */
  readonly reused: number
  readonly passed: number
  readonly risky: number
  /** That could not be read or checked. They are not tried again by this backfill. */
  readonly failed: number
}

/** How far a backfill is, over all processes. What other processes have begun counts when its part is finished. */
export interface Progress extends Counts {
  readonly id: string
  /**
   * - `running`: this process works on it. `paused`: it is told to wait.
   * - `stopped`: this process does not work on it.
   * - `finished`: every item is done.
   */
  readonly state: "running" | "paused" | "stopped" | "finished"
  /** The items that were read. */
  readonly read: number
  /** The items that are done. */
  readonly done: number
  /** The first 100 items that failed. */
  readonly failures: ReadonlyArray<Failure>
  /** All items: known for an array, and once the last one was read. */
  readonly total?: number | undefined
  /** Items a second, over the last half minute of this process' observation. */
  readonly rate?: number | undefined
  /** The time left in milliseconds, if the number of items is known and the rate stays. */
  readonly timeLeft?: number | undefined
}

/** A part of the backlog: some items in a row. */
export interface Part extends Counts {
  readonly items: number
  /** Tells whether the items are still the same. */
  readonly digest: number
  readonly failures: ReadonlyArray<Failure>
}

/** A part of which nothing is done. */
export const emptyPart = (items: number, digest: number): Part => ({
  items,
  digest,
  checked: 0,
  reused: 0,
  passed: 0,
  risky: 0,
  failed: 0,
  failures: []
})

/** More failures are counted, but not kept. */
export const maxFailures = 100

/** Adds the verdict on one item. */
export const withVerdict = (part: Part, verdict: Verdict): Part => {
  if (verdict.verdict === "failed") {
    const { error, key, line } = verdict
    const failures = [...part.failures, { key, line, problem: error.message }]
    return { ...part, failed: part.failed + 1, failures }
  }
  const name = verdict.isReused ? "reused" : "checked"
  return { ...part, [name]: part[name] + 1, [verdict.verdict]: part[verdict.verdict] + 1 }
}

const counts = ["checked", "reused", "passed", "risky", "failed"] as const

/** How many items of a part are done. */
export const doneIn = ({ failed, passed, risky }: Counts): number => passed + risky + failed

/** All parts together. */
export const sumOf = (parts: ReadonlyArray<Part>): Part => {
  const sum: { -readonly [K in keyof Part]: Part[K] } = { ...emptyPart(0, 0) }
  for (const part of parts) {
    sum.items += part.items
    for (const name of counts) sum[name] += part[name]
  }
  sum.failures = parts.flatMap(({ failures }) => failures).slice(0, maxFailures)
  return sum
}

/** Reads a part that a store kept. `undefined` if it can't be read. */
export const parsePart = (text: string | undefined): Part | undefined => {
  const part: unknown = Result.getOrUndefined(Result.try(() => JSON.parse(text ?? "")))
  return isObject(part) &&
    ["items", "digest", ...counts].every((name) => Number.isInteger(part[name as never])) &&
    Array.isArray(part["failures" as never])
    ? (part as unknown as Part)
    : undefined
}
