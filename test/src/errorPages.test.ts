/** The pages on errors are those that the tables of the client give, and errors lead to them. */
import { ClientClosed, QQError } from "@qq-mini/core/QQError"
import { readFileSync } from "node:fs"
import { basename, dirname } from "node:path"
import { assert, describe, it } from "vitest"
import { pages } from "../../docs/errors.ts"
import { reasons } from "../../docs/words.ts"
import { anchorsIn } from "./support/markdown.ts"

const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly repository: { readonly url: string }
}

describe("the pages on errors", () => {
  it.each(pages)("$file is up to date", ({ file, text }) => {
    assert.strictEqual(readFileSync(file, "utf8"), text, "run: node docs/errors.ts")
  })

  it("have a place for every reason, also in Chinese", () => {
    for (const { text } of pages) {
      const anchors = anchorsIn(text)
      for (const tag of Object.keys(reasons)) assert.isTrue(anchors.has(tag.toLowerCase()), tag)
      for (const code of ["40001", "-1", "46001"]) assert.isTrue(anchors.has(`code-${code}`), code)
    }
  })

  it("are where errors say that they are", () => {
    const { url: repository } = manifest.repository
    const home = `https://${basename(dirname(repository))}.github.io/${basename(repository, ".git")}`
    const error = new QQError({ endpoint: "x", app: undefined, reason: new ClientClosed({}) })
    assert.strictEqual(error.help.url, `${home}/errors.html#clientclosed`)
    assert.strictEqual(JSON.parse(JSON.stringify(error)).help.url, error.help.url)
  })
})
