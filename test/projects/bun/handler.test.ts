import { createQQMini } from "qq-mini/edge"
import { startSandbox } from "qq-mini/testing"
import { expect, test } from "bun:test"
import { handle } from "./handler.ts"

const post = (path: string, body: unknown) =>
  new Request(`http://localhost${path}`, { method: "POST", body: JSON.stringify(body) })

test("a comment is published if QQ passes it", async () => {
  await using sandbox = await startSandbox({ riskyTexts: ["bad word"] })
  await using qq = createQQMini(sandbox.options)
  expect((await handle(qq, post("/comments", { text: "你好" }))).status).toBe(201)
  expect((await handle(qq, post("/comments", { text: "a bad word" }))).status).toBe(422)
})
