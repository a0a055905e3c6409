/** Real workerd: any number of Workers that share one class of Durable Objects, in front of a sandbox. */
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import type { Miniflare } from "miniflare"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { type Harness, startHarness } from "../runtimes/harness.ts"
import { bundleEdge, workerd } from "../runtimes/runtimes.ts"

const [{ appid, appsecret }] = Sandbox.defaultPrograms

/** The Worker of the examples, as it is bundled for Cloudflare. */
export const example = bundleEdge(
  fileURLToPath(new URL("../../../examples/edge/worker/index.ts", import.meta.url)),
  "example.mjs"
)

/** The same with what tests do to it. */
export const instrumented = bundleEdge(fileURLToPath(new URL("worker.ts", import.meta.url)), "instrumented.mjs")

/** The examples' wrangler.jsonc. */
export const wrangler: Promise<any> = readFile(
  new URL("../../../examples/edge/worker/wrangler.jsonc", import.meta.url),
  "utf8"
).then((text) => JSON.parse(text.replace(/^\s*\/\/.*$/gm, "")))

/** Workers that run. */
export interface Workers extends AsyncDisposable {
  readonly harness: Harness
  readonly miniflare: Miniflare
  /** Has the Worker of this number answer a request. */
  readonly ask: (worker: number, path: string, init?: RequestInit) => Promise<Response>
  /** What the Workers and their runtime said. */
  readonly said: () => string
  /** How often getToken was called. */
  readonly fetches: () => Promise<number>
}

/** Starts several Workers of a bundle. */
export const startWorkers = async (
  bundle: Promise<string>,
  options: {
    readonly count?: number
    readonly platform?: Parameters<typeof startHarness>[0]
    readonly bindings?: Readonly<Record<string, string>>
    /** The classes of Durable Objects of the bundle, by their bindings. */
    readonly objects?: Readonly<Record<string, string>>
  } = {}
): Promise<Workers> => {
  const { bindings, count = 1, objects = { QQ_TOKENS: "QQTokens" }, platform } = options
  const harness = await startHarness(platform)
  const contents = await readFile(await bundle, "utf8")
  const { compatibility_date, compatibility_flags } = await wrangler
  let said = ""
  const miniflare = workerd("worker.mjs", {
    handleRuntimeStdio: (...streams: ReadonlyArray<NodeJS.ReadableStream>) => {
      for (const stream of streams) stream.on("data", (chunk) => (said += String(chunk)))
    },
    modules: undefined,
    workers: Array.from({ length: count }, (_, i) => ({
      name: `worker-${i}`,
      modules: [{ type: "ESModule", path: `worker-${i}.mjs`, contents }],
      compatibilityDate: compatibility_date,
      compatibilityFlags: compatibility_flags,
      bindings: {
        QQ_APPID: appid,
        QQ_APPSECRET: String(appsecret),
        QQ_BASE_URL: harness.sandbox.url,
        STALL_URL: harness.stallUrl,
        ...bindings
      },
      images: { binding: "IMAGES" },
      kvNamespaces: { QQ_KV: "tokens" },
      durableObjects: Object.fromEntries(
        Object.entries(objects).map(([binding, className]) => [
          binding,
          { className, scriptName: "worker-0", useSQLite: true }
        ])
      )
    }))
  })
  await miniflare.ready
  const workers = new Map<number, Promise<unknown>>()
  return {
    harness,
    miniflare,
    ask: async (worker, path, init) => {
      if (!workers.has(worker)) workers.set(worker, miniflare.getWorker(`worker-${worker}`))
      const { fetch } = (await workers.get(worker)!) as any
      return fetch(`http://worker${path}`, init)
    },
    said: () => said,
    fetches: () => harness.sandbox.run((platform) => platform.count("auth.getAccessToken")),
    [Symbol.asyncDispose]: async () => {
      await miniflare.dispose()
      await harness[Symbol.asyncDispose]()
    }
  }
}
