/** A process that works on a backlog of texts, for tests that kill it. It writes a line of JSON for each verdict, and its result. */
import * as App from "@qq-mini/core/App"
import * as Moderation from "@qq-mini/core/Moderation"
import * as QQMini from "@qq-mini/core/QQMini"
import * as NodeTransport from "@qq-mini/node/NodeTransport"
import * as SqliteQuota from "@qq-mini/node/SqliteQuota"
import * as SqliteTokenCache from "@qq-mini/node/SqliteTokenCache"
import * as SqliteVerdictStore from "@qq-mini/node/SqliteVerdictStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { writeSync } from "node:fs"

/** A line that it writes. */
export type Line = { readonly told: string; readonly verdict: string } | { readonly result: Moderation.Progress }

/** What it works on. */
export interface Config {
  readonly baseUrl: string
  readonly path: string
  readonly app: App.AppCredentialsInput
  readonly items: ReadonlyArray<string>
  readonly concurrency: number
}

// At once, so that a killed process has said all that it did.
const say = (line: Line) => writeSync(1, `${JSON.stringify(line)}\n`)

const { app, baseUrl, concurrency, items, path }: Config = JSON.parse(process.argv[2]!)
const stores = Layer.mergeAll(
  SqliteVerdictStore.layer({ path }),
  SqliteQuota.layer({ path }),
  SqliteTokenCache.layer({ path })
)
const client = QQMini.layerStores.pipe(Layer.provide([NodeTransport.layer, App.layer(app)]), Layer.provideMerge(stores))

await Moderation.backfill({
  id: "backlog",
  items,
  content: (text) => ({ text }),
  concurrency,
  onVerdict: (_, { key, verdict }) => say({ told: key, verdict })
}).pipe(
  Effect.flatMap(({ run }) => run),
  Effect.map((result) => say({ result })),
  Effect.provide(client),
  // The layer of the client reads it.
  Effect.provideService(QQMini.Settings, { ...QQMini.Settings.defaultValue(), baseUrl }),
  Effect.runPromise
)
