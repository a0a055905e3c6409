/** The ledger as a broadcast uses it: it waits for a store that is away, and joins what is asked at the same moment. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Request from "effect/Request"
import * as RequestResolver from "effect/RequestResolver"
import { monotonicMillis } from "../internal/time.ts"
import type { Claimed, Claiming, Settled } from "../ledger/types.ts"
import type { SendLedger } from "../SendLedger.ts"

// The first and the longest pause before a store that failed is asked again (ms).
const firstPauseMillis = 100
const longestPauseMillis = 2_000
// The shortest pause between two log messages about it (ms).
const logAgainMillis = 10_000
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
  #loggedAt = -Infinity

  /** `ttl` is the time of a claim (ms). */
  constructor(ledger: SendLedger["Service"], broadcast: string, ttl: number) {
    this.#ledger = ledger
    this.#broadcast = broadcast
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
    const run = (pause: number): Effect.Effect<A> =>
      Effect.catch(operation(this.#ledger, this.#broadcast), (error) =>
        Effect.flatMap(Effect.andThen(this.#log(error), Effect.sleep(pause)), () =>
          run(Math.min(longestPauseMillis, pause * 2))
        )
      )
    return Effect.suspend(() => run(firstPauseMillis))
  }

  #log(error: Error): Effect.Effect<void> {
    return Effect.flatMap(monotonicMillis, (now) => {
      if (now - this.#loggedAt < logAgainMillis) return Effect.void
      this.#loggedAt = now
      return Effect.logWarning(`broadcast ${this.#broadcast}: waiting for its store (${error.message})`)
    })
  }
}
