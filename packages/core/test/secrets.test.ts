import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import { fingerprint, scrub } from "../src/internal/secrets.ts"

describe("scrub", () => {
  const hide = (text: unknown, ...secrets: ReadonlyArray<string>) =>
    scrub(
      text,
      secrets.map((secret) => Redacted.make(secret))
    )

  it("S1: takes a secret out in every encoding", () => {
    const secret = "a/b+c=(d)'~ é!"
    const forms = [
      secret,
      encodeURIComponent(secret),
      encodeURIComponent(encodeURIComponent(secret)),
      new URLSearchParams({ s: secret }).toString().slice(2),
      encodeURIComponent(secret).toLowerCase()
    ]
    assert.strictEqual(hide("before a  \n b after", "a \t b"), "before <redacted> after")
    for (const form of forms) assert.strictEqual(hide(`before ${form} after`, secret), "before <redacted> after")
  })

  it("S1: takes a short secret out where it is a word, and leaves other words as they are", () => {
    assert.strictEqual(hide("invalid code c, 密钥c错误", "c"), "invalid code <redacted>, 密钥<redacted>错误")
    assert.strictEqual(hide("code_7 or seven7777", "seven77"), "code_7 or seven7777")
    assert.strictEqual(hide("xeight888y", "eight888"), "x<redacted>y")
  })

  it("S1: leaves no part of a secret where the text is cut", () => {
    const token = "Ab3_".repeat(1_022).slice(0, 4_085)
    assert.notInclude(hide(`${token} `.repeat(5), token), token.slice(0, 4))
    assert.notInclude(hide(`${" ".repeat(16_380)}${token}`, token), token.slice(0, 4))
    assert.notInclude(hide(`${"x".repeat(16_380)}${token}`, token), token.slice(0, 4))
  })

  it("shortens, keeps to one line, and takes anything", () => {
    assert.strictEqual(hide("  two\n\nlines\u0000 "), "two lines")
    assert.strictEqual(hide("x".repeat(1_000)).length, 301)
    for (const odd of [undefined, null, 42, {}, ""]) assert.strictEqual(hide(odd, "secret"), "")
    assert.strictEqual(hide("nothing to hide", ""), "nothing to hide")
  })
})

describe("fingerprint", () => {
  it("tells secrets apart, and shows nothing of them", () => {
    const seen = new Set<string>()
    for (let i = 0; i < 100_000; i++) seen.add(fingerprint(`secret${i}`))
    assert.strictEqual(seen.size, 100_000)
    for (const print of seen) assert.match(print, /^[0-9a-z]{1,11}$/)
  })
})
