/** A Worker with the ledger of broadcasts: runs the contract, and single operations. */
import { SendLedger } from "@qq-mini/core/SendLedger"
import * as SendLedgerConformance from "@qq-mini/core/testing/SendLedgerConformance"
import * as DurableObjectSendLedger from "@qq-mini/edge/DurableObjectSendLedger"
import { QQBroadcasts as Base } from "@qq-mini/edge/QQBroadcasts"
import * as Effect from "effect/Effect"

type Env = Readonly<Record<string, any>>

/** The object, which can be evicted. */
export class QQBroadcasts extends Base {
  readonly evict: () => void
  constructor(state: any) {
    super(state)
    this.evict = () => state.abort()
  }
  override async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === "/evict") this.evict()
    return super.fetch(request)
  }
}

const routes: Readonly<Record<string, (env: Env, asked: any) => Effect.Effect<unknown, unknown, SendLedger>>> = {
  "/contract": (_, { name }) => SendLedgerConformance.cases.find((one) => one.name === name)!.run,
  "/operation": (_, { operation, parameters }) =>
    Effect.flatMap(SendLedger, (ledger: any) => ledger[operation](...parameters) as Effect.Effect<unknown, unknown>),
  "/evict": ({ QQ_BROADCASTS }, { broadcast }) =>
    Effect.promise(() =>
      QQ_BROADCASTS.get(QQ_BROADCASTS.idFromName(`broadcast:${broadcast}`))
        .fetch("https://qq-mini/evict")
        .catch(() => {})
    )
}

export default {
  fetch: async (request: Request, env: Env): Promise<Response> => {
    const asked: any = await request.json()
    const run = routes[new URL(request.url).pathname]!(env, asked)
    const store = DurableObjectSendLedger.layer(env[asked.binding ?? "QQ_BROADCASTS"])
    const exit = await Effect.runPromiseExit(Effect.provide(run, store))
    return Response.json(exit._tag === "Success" ? { result: exit.value } : { error: String(exit.cause) })
  }
}
