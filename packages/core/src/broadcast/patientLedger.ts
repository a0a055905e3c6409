/** The ledger as a broadcast uses it: it waits for a store that is away, and joins what is asked at the same moment. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Request from "effect/Request"
import * as RequestResolver from "effect/RequestResolver"
import { makePatient, type Patient } from "../bulk/patient.ts"
import type { Claimed, Claiming, Settled } from "../ledger/types.ts"
import type { SendLedger } from "../SendLedger.ts"

// The largest number of rows in one operation.
const maxRows = 100

interface ClaimRequest extends Request.Request<Claimed> {
  readonly claim: string
  readonly row: Claiming
}
interface SettleRequest extends Request.Request<void> {
  readonly claim: string
  readonly row: Settled
}
const ClaimRequest = Request.of<ClaimRequest>()
const SettleRequest = Request.of<SettleRequest>()

/** The operations of one broadcast. They do not fail: they end when the store has done them. */
export class PatientLedger {
  readonly #ledger: SendLedger["Service"]
  readonly #broadcast: string
  readonly #claims: RequestResolver.RequestResolver<ClaimRequest>
  readonly #settles: RequestResolver.RequestResolver<SettleRequest>
  readonly #patient: Patient

  /** `ttl` is the time of a claim (ms). */
  constructor(ledger: SendLedger["Service"], broadcast: string, ttl: number) {
    this.#ledger = ledger
    this.#broadcast = broadcast
    this.#patient = makePatient(`broadcast ${broadcast}`)
    this.#claims = RequestResolver.batchN(
      RequestResolver.makeGrouped<ClaimRequest, string>({
        key: ({ request }) => request.claim,
        resolver: (entries, claim) =>
          Effect.map(
            this.until((store) =>
              store.claim(broadcast, { claim, ttl, rows: entries.map(({ request }) => request.row) })
            ),
            (found) => {
              for (const [i, entry] of entries.entries()) entry.completeUnsafe(Exit.succeed(found[i]!))
            }
          )
      }),
      maxRows
    )
    this.#settles = RequestResolver.batchN(
      RequestResolver.makeGrouped<SettleRequest, string>({
        key: ({ request }) => request.claim,
        resolver: (entries, claim) =>
          Effect.map(
            this.until((store) => store.settle(broadcast, { claim, rows: entries.map(({ request }) => request.row) })),
            () => {
              for (const entry of entries) entry.completeUnsafe(Exit.void)
            }
          )
      }),
      maxRows
    )
  }

  /** Claims one row. */
  claim(claim: string, row: Claiming): Effect.Effect<Claimed> {
    return Effect.request(ClaimRequest({ claim, row }), this.#claims)
  }

  /** Settles one row. */
  settle(claim: string, row: Settled): Effect.Effect<void> {
    return Effect.request(SettleRequest({ claim, row }), this.#settles)
  }

  /** Runs an operation of the ledger, or of another store, and again after a pause as long as the store fails. */
  until<A>(operation: (store: SendLedger["Service"], broadcast: string) => Effect.Effect<A, Error>): Effect.Effect<A> {
    return this.#patient(Effect.suspend(() => operation(this.#ledger, this.#broadcast)))
  }
}
