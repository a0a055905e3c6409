/** The store that all processes share: the ledger and the limiter, as far away as the network is. */
import * as Quota from "@qq-mini/core/Quota"
import * as SendLedger from "@qq-mini/core/SendLedger"
import * as Effect from "effect/Effect"
import type { Network } from "../../simulation/network.ts"
import type { Process } from "../../simulation/scheduler.ts"
import type { Laws } from "./laws.ts"

// The longest waits for an answer (ms).
const ledgerTimeoutMillis = 1_500
const quotaTimeoutMillis = 700

type Ledger = SendLedger.SendLedger["Service"]

export class Store {
  readonly #network: Network
  readonly #process: Process
  readonly #laws: Laws
  readonly #ledger = Effect.runSync(SendLedger.makeMemory)
  readonly #quota = Effect.runSync(Quota.makeMemory)

  /** `process` is where the store runs; its monotonic clock is the store's time. */
  constructor(options: { readonly network: Network; readonly process: Process; readonly laws: Laws }) {
    this.#network = options.network
    this.#process = options.process
    this.#laws = options.laws
  }

  /** Asks the ledger without a network. */
  now<A>(operation: (ledger: Ledger) => Effect.Effect<A, SendLedger.SendLedgerError>): A {
    return this.#process.now(Effect.orDie(operation(this.#ledger)))
  }

  #states(broadcast: string, recipients: ReadonlyArray<string>): ReadonlyArray<SendLedger.State | undefined> {
    return this.now((ledger) => ledger.rows(broadcast, recipients)).map((row) => row?.state)
  }

  /** The ledger as one process reaches it. Requests may come late, twice or never. */
  ledgerFor(holder: string, process: string): Ledger {
    const ask = <A>(
      operation: SendLedger.SendLedgerError["operation"],
      perform: (ledger: Ledger) => Effect.Effect<A, SendLedger.SendLedgerError>
    ): Effect.Effect<A, SendLedger.SendLedgerError> =>
      Effect.mapError(
        this.#network.ask({
          holder,
          server: "store",
          mayDouble: true,
          millis: ledgerTimeoutMillis,
          perform: () => this.now(perform)
        }),
        (problem) => new SendLedger.SendLedgerError({ operation, problem })
      )
    /** Performs an operation on rows, and tells the laws how they moved. */
    const moving = <A>(
      broadcast: string,
      recipients: ReadonlyArray<string>,
      operation: Effect.Effect<A, SendLedger.SendLedgerError>,
      tell: (of: { readonly before: ReadonlyArray<SendLedger.State | undefined>; readonly answer: A }) => void
    ) =>
      Effect.suspend(() => {
        const before = this.#states(broadcast, recipients)
        return Effect.tap(operation, (answer) => Effect.sync(() => tell({ before, answer })))
      })
    const laws = this.#laws
    return SendLedger.SendLedger.of({
      create: (broadcast, document) => ask("create", (ledger) => ledger.create(broadcast, document)),
      read: (broadcast) =>
        ask("read", (ledger) =>
          Effect.tap(ledger.read(broadcast), (entry) =>
            Effect.sync(() => entry !== undefined && laws.counted(entry.counts))
          )
        ),
      control: (broadcast, change) =>
        ask("control", (ledger) =>
          Effect.tap(ledger.control(broadcast, change), (isChanged) =>
            Effect.sync(() => isChanged && laws.controlled(change.to, process))
          )
        ),
      add: (broadcast, rows) =>
        ask("add", (ledger) =>
          Effect.tap(ledger.add(broadcast, rows), () =>
            Effect.sync(() => laws.added(rows.map(({ recipient }) => recipient)))
          )
        ),
      advance: (broadcast, options) => ask("advance", (ledger) => ledger.advance(broadcast, options)),
      rows: (broadcast, recipients) => ask("rows", (ledger) => ledger.rows(broadcast, recipients)),
      claim: (broadcast, options) => {
        const recipients = options.rows.map(({ recipient }) => recipient)
        return ask("claim", (ledger) =>
          moving(broadcast, recipients, ledger.claim(broadcast, options), ({ answer, before }) =>
            options.rows.forEach(({ instead, recipient }, i) => {
              if (answer[i]!.found !== "claimed") return
              laws.claimed({
                recipient,
                process,
                claim: options.claim,
                ttl: options.ttl,
                before: before[i],
                isAgain: instead !== undefined
              })
            })
          )
        )
      },
      settle: (broadcast, options) => {
        const recipients = options.rows.map(({ recipient }) => recipient)
        return ask("settle", (ledger) =>
          moving(broadcast, recipients, ledger.settle(broadcast, options), ({ before }) =>
            this.#states(broadcast, recipients).forEach((after, i) => {
              if (after !== before[i]) laws.settled({ recipient: recipients[i]!, process, before: before[i], after })
            })
          )
        )
      },
      unknown: (broadcast, options) =>
        ask("unknown", (ledger) =>
          Effect.tap(ledger.unknown(broadcast, options), ({ rows }) =>
            Effect.sync(() =>
              laws.listed(
                process,
                rows.map(({ recipient }) => recipient)
              )
            )
          )
        ),
      list: ask("list", (ledger) => ledger.list),
      remove: (broadcast) => ask("remove", (ledger) => ledger.remove(broadcast))
    })
  }

  /** The limiter as one process reaches it. */
  quotaFor(holder: string): Quota.Quota["Service"] {
    const ask = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, Quota.QuotaError> =>
      Effect.mapError(
        this.#network.ask({
          holder,
          server: "store",
          mayDouble: false,
          millis: quotaTimeoutMillis,
          perform: () => this.#process.now(Effect.orDie(effect))
        }),
        (problem) => new Quota.QuotaError({ problem })
      )
    const quota = this.#quota
    return Quota.Quota.of({
      reserve: (options) => ask(quota.reserve(options)),
      complete: (options) => Effect.ignore(ask(quota.complete(options))),
      release: (options) => ask(quota.release(options)),
      remaining: (options) => ask(quota.remaining(options)),
      close: (options) => ask(quota.close(options)),
      isClosed: (options) => Effect.orElseSucceed(ask(quota.isClosed(options)), () => false)
    })
  }
}
