/** What a backfill keeps in the store of verdicts: the verdicts, and which parts of the backlog are finished. */
import * as Effect from "effect/Effect"
import { makePatient, type Patient } from "../bulk/patient.ts"
import type { VerdictStore, VerdictStoreError } from "../VerdictStore.ts"
import { maxFailures, type Part, parsePart } from "./progress.ts"

/** Items of a part. It can't change, because the parts of older versions are in stores. */
export const partSize = 100

// A claim, and the pause after which its owner extends it (ms).
const claimMillis = 15_000
const extendMillis = claimMillis / 3
// How long the end of a claim may take. Without, it ends with its time (ms).
const releaseMillis = 1_000
// As many parts of other processes may be unfinished in a row.
const partsAhead = 32

/** The store as one process uses it. It waits for a store that is away. */
export class Kept {
  readonly #store: VerdictStore["Service"]
  readonly #id: string
  readonly #ttl: number
  readonly #patiently: Patient
  /** The finished parts that this process knows, by their numbers. */
  readonly #parts = new Map<number, Part>()
  /** How many failures are in them. */
  #failures = 0
  #unbroken = 0

  constructor(store: VerdictStore["Service"], id: string, ttl: number) {
    this.#store = store
    this.#id = id
    this.#ttl = ttl
    this.#patiently = makePatient(`backfill ${id}`)
  }

  #keyOf(name: string | number): string {
    return `backfill:${this.#id}:${name}`
  }

  #get(key: string): Effect.Effect<string | undefined> {
    return this.#patiently(this.#store.get(key))
  }

  #put(key: string, value: string): Effect.Effect<void> {
    return this.#patiently(this.#store.put(key, { value, ttl: this.#ttl }))
  }

  /** The kept verdict. C1: whatever is not one is none. */
  verdict(key: string): Effect.Effect<"passed" | "risky" | undefined> {
    return Effect.map(this.#get(key), (value) => (value === "passed" || value === "risky" ? value : undefined))
  }

  /** Keeps a verdict of QQ. */
  putVerdict(key: string, verdict: "passed" | "risky"): Effect.Effect<void> {
    return this.#put(key, verdict)
  }

  /** Runs an effect while this owner has the claim of a key. If it can't have it, it returns what the claim found. */
  claimed<A, E>(key: string, owner: string, effect: Effect.Effect<A, E>): Effect.Effect<A | "busy" | "kept", E> {
    const claim = Effect.suspend(() => this.#store.claim(key, { owner, ttl: claimMillis }))
    const extend = Effect.forever(Effect.andThen(Effect.sleep(extendMillis), Effect.ignore(claim)))
    const release = Effect.ignore(Effect.timeoutOption(this.#store.release(key, { owner }), releaseMillis))
    return Effect.flatMap(this.#patiently(claim), (found): Effect.Effect<A | "busy" | "kept", E> =>
      found === "claimed" ? Effect.ensuring(Effect.raceFirst(effect, extend), release) : Effect.succeed(found)
    )
  }

  /** Runs an effect while this owner works on a part alone. */
  claimedPart<A, E>(n: number, owner: string, effect: Effect.Effect<A, E>): Effect.Effect<A | "busy", E> {
    return this.claimed(`${this.#keyOf(n)}:claim`, owner, effect) as Effect.Effect<A | "busy", E>
  }

  #stored(n: number): Effect.Effect<Part | undefined, VerdictStoreError> {
    return Effect.map(this.#store.get(this.#keyOf(n)), (text) => {
      const part = parsePart(text)
      if (part !== undefined) this.#remember(n, part)
      return part
    })
  }

  #remember(n: number, part: Part): void {
    const isEnough = this.#failures >= maxFailures
    this.#parts.set(n, isEnough ? { ...part, failures: [] } : part)
    if (!isEnough) this.#failures += part.failures.length
  }

  /** The finished part of this number. With `anew`, another process may have finished it since. */
  part(n: number, anew = false): Effect.Effect<Part | undefined> {
    const known = anew ? undefined : this.#parts.get(n)
    return known === undefined ? this.#patiently(this.#stored(n)) : Effect.succeed(known)
  }

  /** Keeps a finished part. */
  putPart(n: number, part: Part): Effect.Effect<void> {
    this.#remember(n, part)
    return this.#put(this.#keyOf(n), JSON.stringify(part))
  }

  /** The parts that are known to be finished. */
  get parts(): ReadonlyMap<number, Part> {
    return this.#parts
  }

  /** Looks for parts that other processes have finished. */
  get refresh(): Effect.Effect<void, VerdictStoreError> {
    return Effect.gen({ self: this }, function* () {
      let from = this.unbroken
      for (let isGoingOn = true; isGoingOn; from += partsAhead) {
        const numbers = Array.from({ length: partsAhead }, (_, i) => from + i)
        const unknown = numbers.filter((n) => !this.#parts.has(n))
        yield* Effect.forEach(unknown, (n) => this.#stored(n), { concurrency: partsAhead, discard: true })
        isGoingOn = numbers.some((n) => this.#parts.has(n))
      }
    })
  }

  /** The same, and waits for a store that is away. */
  get patientRefresh(): Effect.Effect<void> {
    return this.#patiently(this.refresh)
  }

  /** How many parts from the first one are finished and whole. */
  get unbroken(): number {
    while (this.#parts.get(this.#unbroken)?.items === partSize) this.#unbroken++
    return this.#unbroken
  }

  /** How many items there are, if the last one was read. */
  get total(): Effect.Effect<number | undefined, VerdictStoreError> {
    return Effect.map(this.#store.get(this.#keyOf("total")), (text) =>
      text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
    )
  }

  /** Keeps how many items there are. */
  putTotal(total: number): Effect.Effect<void> {
    return this.#put(this.#keyOf("total"), String(total))
  }
}
