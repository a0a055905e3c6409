/**
 * The site as it was built, looked at in a headless browser. Its pictures are kept in `test/pictures`. It is run by
 *
 *     npx -y pnpm@12.21.0 site:check
 */
import assert from "node:assert/strict"
import { once } from "node:events"
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { extname, join } from "node:path"
import { after, before, describe, it } from "node:test"
import { fileURLToPath } from "node:url"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { barriers, launch, open, picture, type Watched } from "../support/browser.ts"

const dist = fileURLToPath(new URL("../../../docs/.vitepress/dist", import.meta.url))
const base = "/qq-mini/"
const types: Readonly<Record<string, string>> = { ".css": "text/css", ".html": "text/html", ".js": "text/javascript" }

// As the pages of GitHub: files, `index.html` of folders, and `404.html` for all else.
const server = createServer(({ url }, response) => {
  const path = decodeURI(new URL(url!, "http://x").pathname)
  const file = join(dist, path.startsWith(base) ? path.slice(base.length) : "404.html")
  const found = [file, `${file}.html`, join(file, "index.html")].find(
    (name) => extname(name) !== "" && existsSync(name)
  )
  response.writeHead(found === undefined ? 404 : 200, { "content-type": types[extname(found ?? ".html")] ?? "" })
  response.end(readFileSync(found ?? join(dist, "404.html")))
})

let browser: Browser
let home: string

before(async () => {
  server.listen(0, "127.0.0.1")
  ;[browser] = await Promise.all([launch(), once(server, "listening")])
  home = `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`
})

after(async () => {
  await browser.close()
  server.close()
})

/** Opens the home. What it asks of other hosts is a complaint, too. */
const visit = async (options?: BrowserContextOptions): Promise<Watched> => {
  const watched = await open(browser, home, options)
  watched.page.setDefaultTimeout(120_000)
  watched.page.on("request", (request) => {
    const url = request.url()
    if (!/^(data|blob):/.test(url) && !url.startsWith(home)) watched.complaints.push(`asks ${url}`)
  })
  return watched
}

const sizes: Readonly<Record<string, BrowserContextOptions>> = {
  desktop: {},
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
}

const pages: ReadonlyArray<readonly [name: string, path: string]> = [
  ...["", "zh-CN/"].flatMap((language): Array<[string, string]> => {
    const name = language === "" ? "en" : "zh"
    return [
      [`home-${name}`, language],
      [`guide-${name}`, `${language}telemetry.html`],
      [`errors-${name}`, `${language}errors.html#notsubscribed`]
    ]
  }),
  ["api", "api/@qq-mini/core/Security.html"]
]

// Of the default theme: the keys beside the word "Search", and the arrows of groups of pages.
const ofTheme = /^(?:label-content-name-mismatch|nested-interactive):/

for (const [size, options] of Object.entries(sizes)) {
  for (const colorScheme of ["light", "dark"] as const) {
    describe(`${size}, ${colorScheme}`, () => {
      let watched: Watched
      before(async () => {
        watched = await visit({ ...options, colorScheme })
      })
      for (const [name, path] of pages) {
        it(name, async () => {
          const { complaints, page } = watched
          await page.goto(home + path, { waitUntil: "networkidle" })
          await picture(page, `site-${name}-${size}-${colorScheme}`)
          assert.deepEqual(complaints, [])
          const [shown, whole] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth])
          assert.equal(whole, shown)
          // On the page of errors this takes long, and it has nothing that others lack.
          const found = size === "desktop" && !name.startsWith("errors") ? await barriers(page) : []
          assert.deepEqual(
            found.filter((barrier) => !ofTheme.test(barrier)),
            []
          )
        })
      }
    })
  }
}

/** Searches, opens the first result, and gives the address of where it leads. */
const search = async (page: Page, words: string): Promise<string> => {
  await page.locator(".VPNavBarSearch button").first().click()
  await page.locator(".VPLocalSearchBox input").fill(words)
  await page.locator(".VPLocalSearchBox .result").first().waitFor()
  await picture(page, `site-search-${words}`)
  await page.locator(".VPLocalSearchBox .result").first().click()
  await page.locator(".VPLocalSearchBox").waitFor({ state: "detached" })
  return decodeURI(page.url().slice(home.length))
}

it("the search finds a code, a call and Chinese words", async () => {
  const { complaints, page } = await visit()
  assert.equal(await search(page, "46001"), "errors.html#code-46001")
  assert.match(await search(page, "msgSecCheck"), /^api\//)
  await page.goto(`${home}zh-CN/`)
  assert.equal(await search(page, "小程序码已全部用完"), "zh-CN/errors.html#minicodesusedup")
  assert.equal(await search(page, "46001"), "zh-CN/errors.html#错误码-46001")
  assert.deepEqual(complaints, [])
})

it("the buttons and the menu of the home lead to pages", async () => {
  const { page } = await visit()
  const links = page.locator(".VPHero a, .VPNavBarMenu a")
  const addresses = await links.evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).href))
  assert.ok(addresses.length > 3)
  for (const address of addresses) assert.equal((await page.request.get(address)).status(), 200, address)
})

it("the other language shows the same place, or the home where there is none", async () => {
  const { complaints, page } = await visit()
  const choose = async (label: string) => {
    await page.locator(".VPNavBarTranslations button").hover()
    await page.locator(".VPNavBarTranslations").getByText(label, { exact: true }).last().click()
  }
  await page.goto(`${home}errors.html#notsubscribed`, { waitUntil: "networkidle" })
  await choose("简体中文")
  await page.waitForURL(`${home}zh-CN/errors.html#notsubscribed`)
  await page.goto(`${home}api/@qq-mini/core/Security.html`, { waitUntil: "networkidle" })
  await choose("简体中文")
  await page.waitForURL(`${home}zh-CN/`)
  assert.deepEqual(complaints, [])
})
