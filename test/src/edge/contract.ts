/** The contract of `TokenCache` in Deno KV, on Deno: prints what each case came to. The database is the file it is told. */
import * as TokenCacheConformance from "@qq-mini/core/testing/TokenCacheConformance"
import * as DenoKvTokenCache from "@qq-mini/edge/DenoKvTokenCache"
import { createQQMini } from "@qq-mini/edge"
import * as Effect from "effect/Effect"

const { Deno } = globalThis as any
const [what, file, told] = Deno.args
const kv = await Deno.openKv(file)
const store = DenoKvTokenCache.layer(kv)

if (what === "contract") {
  const results = await Promise.all(
    TokenCacheConformance.cases.map(async ({ name, run }) => {
      const exit = await Effect.runPromiseExit(Effect.provide(run, store))
      return [name, exit._tag === "Success" ? "passed" : String(exit.cause)]
    })
  )
  console.log(JSON.stringify(results))
} else {
  // many callers at once, in one of several processes
  const qq = createQQMini({ ...JSON.parse(told), store })
  const risky = await Promise.all(Array.from({ length: 50 }, () => qq.security.msgSecCheck({ content: "x" })))
  await qq.close()
  console.log(JSON.stringify(risky.filter((one) => !one.risky).length))
}
kv.close()
