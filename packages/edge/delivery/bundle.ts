/**
 * What of qq-mini goes into a Worker: bundles a few, and prints their sizes and what is in them.
 *
 *     npx -y pnpm@12.21.0 --filter @qq-mini/edge bundle
 */
import { build } from "esbuild"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"

const here = dirname(fileURLToPath(import.meta.url))

/** A bundle: its bytes, gzipped, and how many of them came from where. */
export interface Bundle {
  readonly bytes: number
  readonly gzipped: number
  /** Bytes before gzip by module, the largest first. */
  readonly modules: ReadonlyArray<readonly [module: string, bytes: number]>
  /** What it imports from outside. */
  readonly imports: ReadonlyArray<string>
  readonly text: string
}

/** Bundles a program for a target like a browser's, in which no module of Node's is to be had. */
export const bundle = async (source: string): Promise<Bundle> => {
  const { metafile, outputFiles } = await build({
    absWorkingDir: join(here, "../.."),
    stdin: { contents: source, resolveDir: here, loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    external: ["cloudflare:*"],
    legalComments: "none",
    metafile: true,
    write: false
  })
  const { imports, inputs } = Object.values(metafile.outputs)[0]!
  const { contents, text } = outputFiles[0]!
  return {
    bytes: contents.length,
    gzipped: gzipSync(contents, { level: 9 }).length,
    modules: Object.entries(inputs)
      .map(([path, { bytesInOutput }]) => [path.replace(/^.*node_modules\//, ""), bytesInOutput] as const)
      .filter(([, bytes]) => bytes > 0)
      .toSorted(([, one], [, other]) => other - one),
    imports: imports.map(({ path }) => path),
    text
  }
}

/** The programs that are measured. */
export const programs = {
  "one call, as an Effect program, with the Durable Object": `
    import * as Security from "@qq-mini/core/Security"
    import * as DurableObjectTokenCache from "@qq-mini/edge/DurableObjectTokenCache"
    import * as EdgeQQMini from "@qq-mini/edge/EdgeQQMini"
    import { env } from "cloudflare:workers"
    import * as Effect from "effect/Effect"
    import * as ManagedRuntime from "effect/ManagedRuntime"
    export { QQTokens } from "@qq-mini/edge/QQTokens"

    const runtime = ManagedRuntime.make(
      EdgeQQMini.layer({ env, store: DurableObjectTokenCache.layer(env.QQ_TOKENS) })
    )
    export default {
      fetch: async (request) =>
        Response.json(await runtime.runPromise(Security.msgSecCheck({ content: await request.text() })))
    }`,
  "all calls, as promises, with the Durable Object": `
    import { createQQMini, durableObject } from "@qq-mini/edge"
    import { env } from "cloudflare:workers"
    export { QQTokens } from "@qq-mini/edge"

    const qq = createQQMini({ env, store: durableObject(env.QQ_TOKENS) })
    export default {
      fetch: async (request) => Response.json(await qq.security.msgSecCheck({ content: await request.text() }))
    }`
} as const

/** A Worker with one call is at most so large, in bytes gzipped. */
export const limit = 68_000

const kb = (bytes: number) => `${(bytes / 1_000).toFixed(1)} KB`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, source] of Object.entries(programs)) {
    const { bytes, gzipped, imports, modules } = await bundle(source)
    console.log(`\n${name}: ${kb(gzipped)} gzipped, ${kb(bytes)} minified; imports ${imports.join(", ") || "nothing"}`)
    for (const [module, bytes] of modules.slice(0, 60)) console.log(`  ${kb(bytes).padStart(9)}  ${module}`)
  }
}
