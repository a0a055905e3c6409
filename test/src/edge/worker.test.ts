/** The Worker of the examples on real workerd: all calls, one token for ten Workers, and objects that are evicted. */
import * as TokenCacheConformance from "@qq-mini/core/testing/TokenCacheConformance"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import { riskyColour } from "@qq-mini/sandbox/RiskyColour"
import sharp from "sharp"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { example, instrumented, startWorkers, type Workers, wrangler } from "./workers.ts"

const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64"
)

const share = (text: string, image: BlobPart = png) => {
  const body = new FormData()
  body.set("text", text)
  body.set("image", new Blob([image]), "image.png")
  // as bytes, because another `fetch` knows nothing of this one's forms
  const request = new Request("http://x", { method: "POST", body })
  return request.arrayBuffer().then((bytes) => ({
    method: "POST",
    body: bytes,
    headers: { "content-type": request.headers.get("content-type")! }
  }))
}

const post = (body: string) => ({ method: "POST", body })

/** A photo larger than QQ takes, with a spot in the colour that the sandbox calls risky, or without. */
const photo = async (spot: boolean) =>
  sharp({ create: { width: 3000, height: 2000, channels: 3, background: "#35a" } })
    .composite(spot ? [{ input: await magenta(400), left: 2500, top: 1500 }] : [])
    .webp()
    .toBuffer()
const magenta = (side: number) =>
  sharp({ create: { width: side, height: side, channels: 3, background: riskyColour } })
    .png()
    .toBuffer()

describe("the Worker of the examples", () => {
  let workers: Workers
  beforeAll(async () => {
    workers = await startWorkers(example)
  })
  afterAll(() => workers[Symbol.asyncDispose]())

  it("makes photos fit with the Images binding, and refuses what it can't", async () => {
    const { ask, harness } = workers
    assert.strictEqual((await ask(0, "/share", await share("photo", await photo(false)))).status, 200)
    assert.strictEqual((await ask(0, "/share", await share("photo", await photo(true)))).status, 422)
    const sent = () => harness.sandbox.run(({ count }) => count("security.imgSecCheck"))
    const before = await sent()
    const frames = await Promise.all([
      magenta(20),
      photo(true).then((bytes) => sharp(bytes).resize(20, 20).png().toBuffer())
    ])
    const animation = sharp(frames, { join: { animated: true } })
    const long = sharp({ create: { width: 3000, height: 200, channels: 3, background: "#35a" } })
    for (const refused of [
      await animation.gif().toBuffer(),
      await animation.webp().toBuffer(),
      await long.png().toBuffer(),
      Buffer.from("x".repeat(99))
    ]) {
      const answer = await ask(0, "/share", await share("photo", refused))
      assert.deepStrictEqual([answer.status, await answer.text()], [400, "InvalidInput"])
    }
    assert.strictEqual(await sent(), before)
  })

  it("answers all six calls", async () => {
    const { ask, harness } = workers
    const guest = await harness.sandbox.run((platform) => platform.login())
    await harness.sandbox.run((platform) => platform.subscribe(guest))
    assert.deepStrictEqual(await (await ask(0, "/health")).json(), { ok: true })
    assert.deepStrictEqual(await (await ask(0, "/login", post(guest.code))).json(), { openid: guest.openid })

    const shared = await ask(0, "/share", await share("你好"))
    assert.strictEqual(shared.headers.get("content-type"), "image/png")
    assert.isTrue(
      Buffer.from(await shared.arrayBuffer())
        .toString("latin1")
        .startsWith("\x89PNG")
    )
    assert.strictEqual((await ask(0, "/share", await share(Sandbox.riskySamples[0]!))).status, 422)

    const remind = post(JSON.stringify({ openid: guest.openid, template_id: Sandbox.defaultTemplate }))
    assert.deepStrictEqual(await (await ask(0, "/remind", remind)).json(), { sent: true })
    const again = await ask(0, "/remind", remind)
    assert.deepStrictEqual([again.status, await again.text()], [400, "NotSubscribed"])

    const log = await harness.sandbox.run((platform) => platform.log)
    assert.deepStrictEqual([...new Set(log.map(({ endpoint }) => endpoint))].toSorted(), [
      "acode.getMiniCode",
      "auth.code2Session",
      "auth.getAccessToken",
      "security.imgSecCheck",
      "security.msgSecCheck",
      "subscribeMessage.send"
    ])
    assert.strictEqual(await workers.fetches(), 1)
  })

  it("tells its visitors what they can mend, and nothing of what it can't do", async () => {
    const { ask, harness } = workers
    const noText = await ask(0, "/share", await share(""))
    assert.deepStrictEqual([noText.status, await noText.text()], [400, "InvalidInput"])
    const noImage = await ask(0, "/share", await share("x", "no image"))
    assert.deepStrictEqual([noImage.status, await noImage.text()], [400, "InvalidInput"])
    await harness.sandbox.run((platform) =>
      platform.fault({ kind: "empty", endpoint: "security.msgSecCheck", times: 9 })
    )
    const unchecked = await ask(0, "/share", await share("x"))
    await harness.sandbox.run((platform) => platform.heal)
    assert.deepStrictEqual([unchecked.status, await unchecked.text()], [503, "try again later"])
    assert.strictEqual((await ask(0, "/nowhere")).status, 404)
  })

  it("is configured as its wrangler.jsonc says", async () => {
    const config = await wrangler
    assert.deepStrictEqual(config.durable_objects.bindings, [{ name: "QQ_TOKENS", class_name: "QQTokens" }])
    assert.deepStrictEqual(config.migrations, [{ tag: "v1", new_sqlite_classes: ["QQTokens"] }])
    assert.strictEqual(config.main, "index.ts")
    // without it no signal tells that a visitor left, and what an Effect program runs for them stays in memory
    assert.deepStrictEqual(config.compatibility_flags, ["enable_request_signal"])
  })
})

describe("ten Workers that share a Durable Object", () => {
  const count = 10
  const checks = async ({ ask }: Workers, times: number): Promise<Record<string, number>> => {
    const tally: Record<string, number> = {}
    await Promise.all(
      Array.from({ length: times }, async (_, i) => {
        const response = await ask(i % count, "/share", await share("x"))
        const told = response.status === 200 ? "ok" : `${response.status} ${await response.text()}`
        if (response.status === 200) await response.arrayBuffer()
        tally[told] = (tally[told] ?? 0) + 1
      })
    )
    return tally
  }

  // each request spends a mini code, of which a program has 50
  const texts = async ({ ask }: Workers, times: number): Promise<Record<string, number>> => {
    const tally: Record<string, number> = {}
    await Promise.all(
      Array.from({ length: times }, async (_, i) => {
        const response = await ask(i % count, "/health")
        const told = response.status === 200 ? "ok" : `${response.status}`
        await response.arrayBuffer()
        tally[told] = (tally[told] ?? 0) + 1
      })
    )
    return tally
  }

  it("T1: 200 requests at once, cold: 1 getToken; revoked: 1 more", async () => {
    await using workers = await startWorkers(instrumented, { count })
    assert.deepStrictEqual(await texts(workers, 200), { ok: 200 })
    assert.strictEqual(await workers.fetches(), 1)
    await workers.harness.sandbox.run((platform) => platform.revokeTokens())
    assert.deepStrictEqual(await checks(workers, 40), { ok: 40 })
    assert.strictEqual(await workers.fetches(), 2)
  })

  it("T9: an object that is evicted in the middle of a fetch, again and again, does no harm", async () => {
    await using workers = await startWorkers(instrumented, { count })
    const { sandbox } = workers.harness
    await sandbox.run((platform) =>
      platform.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "2 seconds" })
    )
    const running = texts(workers, 50)
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 300))
      await workers.ask(0, "/evict")
    }
    assert.deepStrictEqual(await running, { ok: 50 })
    assert.strictEqual(await workers.fetches(), 1)
    // and the token is there for the next
    await workers.ask(0, "/evict")
    assert.deepStrictEqual(await texts(workers, 50), { ok: 50 })
    assert.strictEqual(await workers.fetches(), 1)
  })
})

describe.each(["a Durable Object", "Workers KV in front of one"])("the contract: %s", (store) => {
  let workers: Workers
  beforeAll(async () => {
    workers = await startWorkers(instrumented)
  })
  afterAll(() => workers[Symbol.asyncDispose]())

  it.each(TokenCacheConformance.cases)("$name", async ({ name }) => {
    const response = await workers.ask(0, "/contract", post(JSON.stringify({ name, store })))
    assert.strictEqual(await response.text(), "passed")
  })
})
