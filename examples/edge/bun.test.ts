/**
 * The handler under `bun test`, with its defaults. QQ_BASE_URL is a sandbox.
 *
 *     bun test ./bun.test.ts
 */
import { createQQMini } from "@qq-mini/edge"
import { expect, test } from "bun:test"
import { handle } from "./handler.ts"

const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64"
)

const share = (text: string): Request => {
  const body = new FormData()
  body.set("text", text)
  body.set("image", new Blob([png]), "image.png")
  return new Request("http://localhost/share", { method: "POST", body })
}

test("what is good gets a mini code, and what is empty an error", async () => {
  await using qq = createQQMini({ env: process.env })
  const shared = await handle(qq, share("你好"))
  expect(shared.headers.get("content-type")).toBe("image/png")
  const empty = await handle(qq, share(""))
  expect(empty.status).toBe(400)
})
