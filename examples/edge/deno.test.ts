/**
 * The handler under `deno test`, with its defaults: what a test leaves open fails it. QQ_BASE_URL is a sandbox.
 *
 *     deno test --unstable-kv --allow-net=127.0.0.1 --allow-env=QQ_APPID,QQ_APPSECRET,QQ_APPS,QQ_BASE_URL deno.test.ts
 */
import { createQQMini, denoKv } from "@qq-mini/edge"
import process from "node:process"
import { handle } from "./handler.ts"

const png = Uint8Array.fromBase64(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)

const share = (text: string): Request => {
  const body = new FormData()
  body.set("text", text)
  body.set("image", new Blob([png]), "image.png")
  return new Request("http://localhost/share", { method: "POST", body })
}

Deno.test("what is good gets a mini code, and what is empty an error", async () => {
  const kv = await Deno.openKv(":memory:")
  {
    await using qq = createQQMini({ env: process.env, store: denoKv(kv) })
    const shared = await handle(qq, share("你好"))
    if (shared.headers.get("content-type") !== "image/png") throw new Error(`${shared.status}`)
    await shared.body?.cancel()
    const empty = await handle(qq, share(""))
    if (empty.status !== 400) throw new Error(`${empty.status}`)
  }
  kv.close()
})
