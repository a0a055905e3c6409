import { createQQMini } from "qq-mini/edge"
import { startSandbox } from "qq-mini/testing"
import { handle } from "./handler.ts"

const post = (path: string, body: unknown) =>
  new Request(`http://localhost${path}`, { method: "POST", body: JSON.stringify(body) })

Deno.test("a comment is published if QQ passes it", async () => {
  await using sandbox = await startSandbox({ riskyTexts: ["bad word"] })
  await using qq = createQQMini(sandbox.options)
  for (const [text, expected] of [
    ["你好", 201],
    ["a bad word", 422]
  ] as const) {
    const response = await handle(qq, post("/comments", { text }))
    await response.body?.cancel()
    if (response.status !== expected) throw new Error(`${text}: ${response.status}`)
  }
})
