import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { readFile } from "node:fs/promises"
import { promisify } from "node:util"
import { brotliDecompress } from "node:zlib"

/** The files of other packages, by their paths below `/sandbox/lib/`. The packed package has copies of them. */
export const libraries: ReadonlyArray<string> = [
  "lit-html/lit-html.js",
  "lit-html/directive.js",
  "lit-html/directive-helpers.js",
  "lit-html/directives/keyed.js",
  "lit-html/directives/repeat.js",
  "swagger-ui-dist/swagger-ui-bundle.js",
  "swagger-ui-dist/swagger-ui.css"
]

const pages = new URL("../../console/", import.meta.url)
const copies = new URL("../lib/", import.meta.url)
const installed = new URL("../../node_modules/", import.meta.url)

const decompress = promisify(brotliDecompress)

/** A file of another package. This package has compressed copies when it is packed. */
const readLibrary = async (library: string): Promise<Uint8Array> => {
  const copy = await readFile(new URL(`${library}.br`, copies)).catch(() => undefined)
  return copy === undefined ? readFile(new URL(library, installed)) : decompress(copy)
}

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml"
}

const policy = {
  "default-src": "'none'",
  "script-src": "'self'",
  "style-src": "'self'",
  "connect-src": "'self'",
  "img-src": "'self' data: blob:",
  "base-uri": "'none'",
  "form-action": "'none'",
  "frame-ancestors": "'none'"
}

const headersOf = (more: Readonly<Record<string, string>>) => ({
  "content-security-policy": Object.entries({ ...policy, ...more })
    .map((pair) => pair.join(" "))
    .join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache"
})

// Only the templates of lit-html, which are constants of the page, may become HTML: the browser sees to it.
const ownHeaders = headersOf({ "require-trusted-types-for": "'script'", "trusted-types": "lit-html" })
const viewerHeaders = headersOf({ "style-src": "'self' 'unsafe-inline'" })

/** The file at a path below `/sandbox/`. `undefined` if there is none. */
export const fileAt = (path: string): Effect.Effect<HttpServerResponse.HttpServerResponse | undefined> =>
  Effect.promise(async () => {
    const name = path === "" || path.endsWith("/") ? `${path}index.html` : path
    const type = types[name.slice(name.lastIndexOf(".") + 1)]
    const library = name.startsWith("lib/") ? name.slice(4) : undefined
    if (type === undefined || !/^[a-z/-]+\.[a-z]+$/.test(name)) return undefined
    if (library !== undefined && !libraries.includes(library)) return undefined
    const reading = library === undefined ? readFile(new URL(name, pages)) : readLibrary(library)
    const bytes = await reading.catch(() => undefined)
    const headers = name.startsWith("api/") ? viewerHeaders : ownHeaders
    return bytes && HttpServerResponse.uint8Array(bytes, { contentType: type, headers })
  })
