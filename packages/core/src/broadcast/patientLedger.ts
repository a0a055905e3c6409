/** The ledger as a broadcast uses it: it waits for a store that is away, and joins what is asked at the same moment. */
import * as Effect from "effect/Effect"
import { Batch } from "../bulk/batch.ts"
import { makePatient, type Patient } from "../bulk/patient.ts"
import type { Claimed, Claiming, Settled } from "../ledger/types.ts"
import type { SendLedger } from "../SendLedger.ts"

// The largest number of rows in one operation.
const maxRows = 100

/** A row, and the claim that it is asked for. */
interface Of<Row> {
  readonly claim: string
  readonly row: Row
}

/** Runs an operation for the rows of each claim, and gives the answers in the order of the rows. */
const byClaim = <Row, Answer>(
  asked: ReadonlyArray<Of<Row>>,
  operation: (claim: string, rows: ReadonlyArray<Row>) => Effect.Effect<ReadonlyArray<Answer>>
): Effect.Effect<ReadonlyArray<Answer>> => {
  const claims = [...new Set(asked.map(({ claim }) => claim))]
  const answers: Array<Answer> = []
  return Effect.as(
    Effect.forEach(
      claims,
      (claim) => {
        const places = [...asked.keys()].filter((i) => asked[i]!.claim === claim)
        const rows = places.map((i) => asked[i]!.row)
        return Effect.map(operation(claim, rows), (found) => {
          for (const [n, i] of places.entries()) answers[i] = found[n]!
        })
      },
      { concurrency: "unbounded", discard: true }
    ),
    answers
  )
}

/** The operations of one broadcast. They do not fail: they end when the store has done them. */
export class PatientLedger {
  readonly #ledger: SendLedger["Service"]
  readonly #broadcast: string
  readonly #claims: Batch<Of<Claiming>, Claimed>
  readonly #settles: Batch<Of<Settled>, unknown>
  readonly #patient: Patient

  /** `ttl` is the time of a claim (ms). */
  constructor(ledger: SendLedger["Service"], broadcast: string, ttl: number) {
    this.#ledger = ledger
    this.#broadcast = broadcast
    this.#patient = makePatient(`broadcast ${broadcast}`)
    this.#claims = new Batch(maxRows, (asked) =>
      byClaim(asked, (claim, rows) => this.until((store) => store.claim(broadcast, { claim, ttl, rows })))
    )
    this.#settles = new Batch(maxRows, (asked) =>
      byClaim<Settled, unknown>(asked, (claim, rows) =>
        Effect.as(
          this.until((store) => store.settle(broadcast, { claim, rows })),
          []
        )
      )
    )
  }

  /** Claims one row. */
  claim(claim: string, row: Claiming): Effect.Effect<Claimed> {
    return this.#claims.ask({ claim, row })
  }

  /** Settles one row. */
  settle(claim: string, row: Settled): Effect.Effect<void> {
    return Effect.asVoid(this.#settles.ask({ claim, row }))
  }

  /** Runs an operation of the ledger, or of another store, and again after a pause as long as the store fails. */
  until<A>(operation: (store: SendLedger["Service"], broadcast: string) => Effect.Effect<A, Error>): Effect.Effect<A> {
    return this.#patient(Effect.suspend(() => operation(this.#ledger, this.#broadcast)))
  }
}
