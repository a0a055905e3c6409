/** A headless browser from npm, and pages that remember what went wrong in them. */
import Chromium from "@sparticuz/chromium"
import axe from "axe-core"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { findPackageJSON } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { inflateSync } from "node:zlib"
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"

/** Where pictures of the pages are kept, to be looked at. */
const pictures = fileURLToPath(new URL("../../pictures/", import.meta.url))

/** Unpacks a WOFF font: the browser takes those of pages alone, and not those of the system. */
const unpacked = (woff: Buffer): Buffer => {
  const count = woff.readUInt16BE(12)
  const head = Buffer.alloc(12 + 16 * count)
  woff.copy(head, 0, 4, 8)
  const power = Math.floor(Math.log2(count))
  head.writeUInt16BE(count, 4)
  head.writeUInt16BE(16 * 2 ** power, 6)
  head.writeUInt16BE(power, 8)
  head.writeUInt16BE(16 * (count - 2 ** power), 10)
  const parts = [head]
  let offset = head.length
  for (let i = 0; i < count; i++) {
    const entry = woff.subarray(44 + 20 * i, 64 + 20 * i)
    const [from, size, length] = [entry.readUInt32BE(4), entry.readUInt32BE(8), entry.readUInt32BE(12)]
    const stored = woff.subarray(from, from + size)
    const table = Buffer.alloc(Math.ceil(length / 4) * 4)
    ;(size < length ? inflateSync(stored) : stored).copy(table)
    entry.copy(head, 12 + 16 * i, 0, 4)
    entry.copy(head, 16 + 16 * i, 16, 20)
    head.writeUInt32BE(offset, 20 + 16 * i)
    head.writeUInt32BE(length, 24 + 16 * i)
    parts.push(table)
    offset += table.length
  }
  return Buffer.concat(parts)
}

/** Starts the browser, with a font for Chinese: its own has Latin letters only. */
export const launch = async (): Promise<Browser> => {
  const fonts = join(tmpdir(), "chinese")
  const files = join(dirname(findPackageJSON("@fontsource/noto-sans-sc", import.meta.url)!), "files")
  await mkdir(fonts, { recursive: true })
  for (const weight of [400, 600]) {
    const woff = await readFile(join(files, `noto-sans-sc-chinese-simplified-${weight}-normal.woff`))
    await writeFile(join(fonts, `${weight}.ttf`), unpacked(woff))
  }
  const config = join(fonts, "fonts.conf")
  await writeFile(
    config,
    `<fontconfig><dir>${fonts}</dir><dir>/usr/share/fonts</dir><dir>${tmpdir()}/fonts</dir><cachedir>${fonts}</cachedir></fontconfig>`
  )
  const executablePath = await Chromium.executablePath()
  const env = { ...process.env, FONTCONFIG_FILE: config }
  return chromium.launch({ executablePath, args: Chromium.args, headless: true, env })
}

/** A page with what it complained about: errors, refused requests, and breaches of its policy. */
export interface Watched {
  readonly page: Page
  readonly complaints: Array<string>
}

/** Opens a page. */
export const open = async (browser: Browser, url: string, options?: BrowserContextOptions): Promise<Watched> => {
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 1440, height: 1000 }, ...options })
  context.setDefaultTimeout(20_000)
  const page = await context.newPage()
  const complaints: Array<string> = []
  page.on("console", (message) => {
    if (/error|warning/.test(message.type())) complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(String(error.stack)))
  await page.goto(url)
  return { page, complaints }
}

/** Keeps a picture of what is seen of a page. */
export const picture = (page: Page, name: string): Promise<Buffer> =>
  page.screenshot({ path: join(pictures, `${name}.png`) })

/** Keeps a picture of a whole page. */
export const keep = async (page: Page, name: string): Promise<void> => {
  const size = page.viewportSize()!
  // A picture of several screens would show what stays at the top several times.
  await page.setViewportSize({ ...size, height: await page.evaluate(() => document.documentElement.scrollHeight) })
  await picture(page, name)
  await page.setViewportSize(size)
}

/** What axe finds that keeps people from using the page. */
export const barriers = async (page: Page): Promise<ReadonlyArray<string>> => {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run())
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}
