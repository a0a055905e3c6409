/** What the test cases of `SendLedgerConformance` are made of. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { type Claimed, countsOf, SendLedger, type SendLedgerError, type Unknown } from "../../SendLedger.ts"
import { expect, type NotConforming, same } from "../TokenCacheConformance.ts"

/** One test case of the contract. */
export interface Case {
  /** The name of the test: the required behaviour. */
  readonly name: string
  /** Tests the provided store. Fails with `NotConforming` if it breaks the contract. */
  readonly run: Effect.Effect<void, NotConforming | SendLedgerError, SendLedger>
}

type Store = SendLedger["Service"]
type Failure = NotConforming | SendLedgerError
type Body = (store: Store, name: string) => Effect.Effect<void, Failure>

export const ttl = 60_000

/** Fails unless both values are the same as JSON. */
export const alike = (found: unknown, expected: unknown, what: string) =>
  expect(JSON.stringify(found) === JSON.stringify(expected), `${what}: ${JSON.stringify(expected)}`, found)

/** Fails unless the counts of a broadcast are those of its rows. */
const checkCounts = Effect.fnUntraced(function* (store: Store, name: string, recipients: ReadonlySet<string>) {
  const entry = yield* store.read(name)
  if (entry === undefined) return
  const rows = yield* store.rows(name, [...recipients])
  const counted = new Map<string, number>()
  for (const { reason, state } of rows.filter((row) => row !== undefined)) {
    const key = state === "refused" ? `refused:${reason}` : state
    counted.set(key, (counted.get(key) ?? 0) + 1)
  }
  const sorted = ({ refused, ...counts }: typeof entry.counts) => [
    ...Object.entries({ ...counts, ...refused })
      .map(([key, rows]) => `${key}: ${rows}`)
      .sort()
  ]
  yield* alike(sorted(entry.counts), sorted(countsOf(counted)), "counts that are those of the rows")
})

export const make = (name: string, body: Body): Case => ({
  name,
  run: Effect.gen(function* () {
    const broadcast = `${yield* Random.nextIntBetween(0, 2 ** 48)}:conformance`
    const store = yield* SendLedger
    const recipients = new Set<string>()
    yield* store.create(broadcast, "")
    yield* body(
      {
        ...store,
        add: (to, rows) => {
          if (to === broadcast) for (const { recipient } of rows) recipients.add(recipient)
          return store.add(to, rows)
        }
      },
      broadcast
    )
    yield* checkCounts(store, broadcast, recipients)
  })
})

/** Adds rows, with their places in the list as lines. */
export const add = (store: Store, name: string, ...recipients: ReadonlyArray<string>) =>
  store.add(
    name,
    recipients.map((recipient, i) => ({ recipient, line: i + 1 }))
  )

export const messageOf = (recipient: string, claim: string) => `${claim} to ${recipient}`

export const claim = (
  store: Store,
  name: string,
  claim: string,
  recipients: ReadonlyArray<string>,
  options?: { readonly instead?: string | undefined; readonly ttl?: number | undefined }
) =>
  store.claim(name, {
    claim,
    ttl: options?.ttl ?? ttl,
    rows: recipients.map((recipient) => ({
      recipient,
      message: messageOf(recipient, claim),
      instead: options?.instead
    }))
  })

export const found = (claimed: ReadonlyArray<Claimed>) => claimed.map(({ found }) => found).join(" ")

/** Claims one row, and expects what it finds. */
export const claims = (
  store: Store,
  name: string,
  by: string,
  recipient: string,
  expected: Claimed["found"],
  options?: { readonly instead?: string | undefined; readonly ttl?: number | undefined }
) => Effect.flatMap(claim(store, name, by, [recipient], options), (all) => same(found(all), expected, `claim of ${by}`))

export const settle = (
  store: Store,
  name: string,
  claim: string,
  to: "new" | "sent" | "unknown" | "refused",
  recipient: string,
  reason?: string
) => store.settle(name, { claim, rows: [{ recipient, to, reason }] })

export const statesOf = (store: Store, name: string, ...recipients: ReadonlyArray<string>) =>
  Effect.map(store.rows(name, recipients), (rows) => rows.map((row) => row?.state ?? "none").join(" "))

/** Claims rows, and waits until the claim is over, because the store's clock can't be controlled. */
export const claimUntilOver = (store: Store, name: string, by: string, ...recipients: ReadonlyArray<string>) => {
  const untilOver: Effect.Effect<void, SendLedgerError> = Effect.flatMap(
    claim(store, name, "another", recipients.slice(0, 1)),
    (all) => (found(all) === "busy" ? Effect.delay(untilOver, 20) : Effect.void)
  )
  return Effect.andThen(claim(store, name, by, recipients, { ttl: 50 }), untilOver)
}

// More than any case needs.
const maxPages = 100

/** All rows that are unknown, page after page. `between` runs after each page. */
export const unknownOf = Effect.fnUntraced(function* (
  store: Store,
  name: string,
  limit: number,
  between: (rows: ReadonlyArray<Unknown>) => Effect.Effect<void, SendLedgerError> = () => Effect.void
) {
  const all = new Map<string, Unknown>()
  let cursor: string | undefined
  for (let pages = 0; ; pages++) {
    yield* expect(pages < maxPages, "a last page", pages)
    const page = yield* store.unknown(name, { cursor, limit })
    for (const row of page.rows) all.set(row.recipient, row)
    yield* between(page.rows)
    if (page.next === undefined) return all
    cursor = page.next
  }
})

export const sequence = (length: number) => Array.from({ length }, (_, i) => `recipient ${i}`)
