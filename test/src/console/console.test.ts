/** The sandbox's console, driven in a headless browser. Its pictures are kept in `test/pictures`. */
import { createQQMini, type PromiseClient } from "@qq-mini/node"
import { startSandbox, type TestSandbox } from "@qq-mini/sandbox/testing"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { template_id } from "../support/calls.ts"
import type { Browser } from "playwright-core"
import { barriers, keep, launch, open, type Watched } from "../support/browser.ts"

let browser: Browser

beforeAll(async () => {
  browser = await launch()
})

afterAll(() => browser.close())

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 0,
    ({ code }) => code
  )

const order = (bill_no: string) => ({ bill_no, amt: 600, goodid: "43", good_num: 1 })

const assertFine = async ({ complaints, page }: Watched, name: string) => {
  await keep(page, name)
  assert.deepStrictEqual(await barriers(page), [])
  assert.deepStrictEqual(complaints, [])
  const [shown, whole] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth])
  assert.strictEqual(whole, shown)
}

/** A sandbox where something of everything happened. */
const busy = async (sandbox: TestSandbox, qq: PromiseClient) => {
  const { code, openid, session_key } = await sandbox.login({ user: "ann" })
  await sandbox.subscribe({ openid, times: 3 })
  await sandbox.refuse({ openid: (await sandbox.login({ user: "bob" })).openid })
  await qq.auth.code2Session({ code })
  await qq.acode.getMiniCode({ path: "pages/detail/detail?id=7" })
  await qq.gamePay.prePay({ openid, session_key, ...order("order-1") })
  await qq.gamePay.prePay({ openid, session_key, ...order("order-2") })
  await sandbox.pay({ bill_no: "order-2" })
  await sandbox.fault({ kind: "truncated", endpoint: "security.msgSecCheck" })
  await codeOf(qq.security.msgSecCheck({ content: "床前明月光" }))
  await sandbox.fault({ kind: "code", code: 46003, endpoint: "subscribeMessage.send", share: 1 })
}

describe("the console", () => {
  it("grants, issues, breaks and watches by clicks", async () => {
    await using sandbox = await startSandbox()
    await using qq = createQQMini({ ...sandbox.options, attempts: 1 })
    const notified: Array<string | undefined> = []
    const app = createServer((request, response) => {
      notified.push(request.url)
      response.end('{"code":0}')
    }).listen(0, "127.0.0.1")
    await once(app, "listening")
    const appUrl = `http://127.0.0.1:${(app.address() as AddressInfo).port}`
    // The root leads to the console.
    const watched = await open(browser, sandbox.url)
    const { page } = watched
    const click = (name: string) => page.getByRole("button", { name, exact: true }).click()
    const users = page.getByRole("region", { name: "Users", exact: true })
    const faults = page.getByRole("region", { name: "Faults", exact: true })
    const requests = page.getByRole("region", { name: "Requests", exact: true })

    await page.getByRole("textbox", { name: "Name" }).fill("ann")
    await click("Log a user in")
    const code = await users.getByRole("status").locator("code").textContent()
    const { openid, session_key } = await qq.auth.code2Session({ code: code!, needKey: true })
    await click("Subscribe")
    await users.getByText("1 message").waitFor()

    await faults.getByRole("combobox", { name: "Call" }).selectOption("subscribeMessage.send")
    await faults.getByRole("spinbutton", { name: "Code" }).fill("46003")
    await faults.getByRole("checkbox").check()
    await click("Switch on")
    await faults.getByRole("row", { name: "subscribeMessage.send" }).waitFor()
    const send = () => qq.subscribeMessage.send({ touser: openid, template_id, data: { keyword1: { value: "hi" } } })
    assert.strictEqual(await codeOf(send()), 46003)
    await requests.getByText("46003").waitFor()
    await click("Switch all off")
    await faults.getByText("No fault is on.").waitFor()
    assert.strictEqual(await codeOf(send()), 0)

    await qq.gamePay.prePay({ openid, session_key: session_key!, ...order("order-1") })
    await page.getByRole("textbox", { name: "Where payments are notified" }).fill(`${appUrl}/paid`)
    await click("Pay order-1")
    await page.getByText("your server accepted the notification").waitFor()
    await page.getByRole("textbox", { name: "Where forms are pushed" }).fill(`${appUrl}/push`)
    await click("Push a form")
    await page.getByText("Your server accepted the form_id").waitFor()
    assert.deepStrictEqual(notified, ["/paid", "/push"])

    await qq.acode.getMiniCode({ path: "pages/detail/detail" })
    const picture = page.getByRole("img", { name: "Mini code of pages/detail/detail" })
    assert.isAbove(
      await picture.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth)),
      0
    )
    await page.getByText("Quotas").first().click()
    await page.getByText("1 / 50").waitFor()
    const meter = page.getByRole("meter", { name: "acode.getMiniCode, in total" }).first()
    assert.strictEqual(await meter.evaluate((meter: HTMLMeterElement) => meter.value), 1)

    await page.getByRole("button", { name: "Revoke tokens" }).first().click()
    await page.getByText("are invalid now").waitFor()
    await page.getByText("No valid token.").nth(1).waitFor()

    await requests.getByRole("combobox", { name: "Result" }).selectOption("refused")
    await requests.getByText(/^1 of /).waitFor()
    await requests.getByRole("combobox", { name: "Result" }).selectOption("")
    await requests.getByRole("searchbox").fill("order-1")
    await requests.getByText(/^1 of /).waitFor()
    page.once("dialog", (dialog) => void dialog.accept())
    await click("Reset")
    await requests.getByText("No request yet").waitFor()
    await users.getByText("Nobody has logged in yet.").waitFor()
    assert.deepStrictEqual(watched.complaints, [])
    app.close()
  })

  it("tries calls with a token and a signature of the sandbox", async () => {
    await using sandbox = await startSandbox()
    const { openid } = await sandbox.login()
    const { complaints, page } = await open(browser, `${sandbox.url}/sandbox/`)
    const trial = page.getByRole("region", { name: "Try a call" })
    for (const [call, field, value, result] of [
      ["security.msgSecCheck", "content", "特3456书yuuo莞6543李zxcz蒜7782法fgnv级", '"risky": true'],
      ["gamePay.prePay", "bill_no", "order-1", '"prepayId"'],
      ["openData.setUserStorage", "kv_list", '[{ "key": "score", "value": "7" }]', "null"],
      ["acode.getMiniCode", "path (optional)", "no/such/page", "41030"]
    ] as const) {
      await trial.getByRole("combobox", { name: "Call" }).selectOption(call)
      await trial.getByRole("textbox", { name: field }).fill(value)
      await trial.getByRole("button", { name: "Send" }).click()
      await trial.getByText(result).waitFor()
    }
    assert.deepStrictEqual(await sandbox.stored({ openid }), { storage: { score: "7" }, interactive: {} })
    assert.deepStrictEqual(complaints, [])
  })

  it.each([
    ["light", {}],
    ["dark", { colorScheme: "dark", locale: "zh-CN" }],
    ["phone", { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true }]
  ] as const)("is fit for people: %s", async (name, options) => {
    await using sandbox = await startSandbox()
    await using qq = createQQMini({ ...sandbox.options, attempts: 1 })
    await busy(sandbox, qq)
    const watched = await open(browser, `${sandbox.url}/sandbox/`, options)
    const { page } = watched
    // By keyboard.
    const call = page.getByRole("listitem").filter({ hasText: "truncated" }).locator("summary")
    await call.focus()
    await page.keyboard.press("Enter")
    await page.getByText('"content": "床前明月光"').waitFor()
    await page.locator(".more summary").first().click()
    await assertFine(watched, name)
    if (name === "light") {
      await page.getByRole("button", { name: "中文" }).click()
      await page.getByRole("heading", { name: "请求" }).first().waitFor()
      assert.strictEqual(await page.locator("html").getAttribute("lang"), "zh-CN")
    }
  })

  it("shows markup as text", async () => {
    await using sandbox = await startSandbox()
    await using qq = createQQMini(sandbox.options)
    const markup = `<img src="/x" onerror="document.title='broken'">`
    await sandbox.login({ user: markup })
    await qq.security.msgSecCheck({ content: markup })
    await fetch(`${sandbox.url}/${encodeURIComponent(markup)}`)
    const { complaints, page } = await open(browser, `${sandbox.url}/sandbox/`)
    const summaries = page.locator(".requests summary")
    await summaries.nth(2).waitFor()
    for (const summary of await summaries.all()) await summary.click()
    await page.getByText(JSON.stringify(markup)).waitFor()
    await page.getByRole("heading", { name: markup }).waitFor()
    assert.strictEqual(await page.locator("img[onerror]").count(), 0)
    assert.strictEqual(await page.title(), "QQ sandbox")
    assert.deepStrictEqual(complaints, [])
  })

  it("says when the server is gone, and comes back with it", async () => {
    const first = await startSandbox()
    await fetch(`${first.url}/of-the-first`)
    const { page } = await open(browser, `${first.url}/sandbox/`)
    const requests = page.locator(".requests")
    await requests.getByText("/of-the-first").waitFor()
    await first.close()
    await page.getByText("Offline, reconnecting").waitFor()
    await using second = await startSandbox({ port: Number(new URL(first.url).port) })
    await page.getByText("Live", { exact: true }).waitFor()
    await fetch(`${second.url}/of-the-second`)
    await requests.getByText("/of-the-second").waitFor()
    assert.strictEqual(await requests.getByText("/of-the-first").count(), 0)
  })

  it("shows the API, and tries it on the sandbox", async () => {
    await using sandbox = await startSandbox()
    const { complaints, page } = await open(browser, `${sandbox.url}/sandbox/api/`)
    await page.locator(".opblock").nth(21).waitFor()
    await page.locator(".opblock").first().click()
    await page.getByRole("button", { name: "Try it out" }).click()
    await page.getByRole("button", { name: "Execute" }).click()
    await page.getByText('"errcode": 4').first().waitFor()
    await keep(page, "api-light")
    await page.emulateMedia({ colorScheme: "dark" })
    await keep(page, "api-dark")
    assert.deepStrictEqual(
      (await sandbox.requests()).map(({ endpoint }) => endpoint),
      ["auth.getAccessToken"]
    )
    assert.deepStrictEqual(complaints, [])
  })
})
