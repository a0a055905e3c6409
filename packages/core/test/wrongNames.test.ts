/** I1: a name that is nearly right is answered with the right one, and all problems come at once. */
import { assert, describe, it } from "@effect/vitest"
import type { Any } from "@qq-mini/core/Endpoint"
import { groups } from "@qq-mini/core/Endpoints"
import * as QQError from "@qq-mini/core/QQError"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { encode } from "../src/call/encode.ts"
import * as SubscribeMessage from "../src/SubscribeMessage.ts"
import { fieldsOf } from "../src/internal/problem.ts"

const endpoints: ReadonlyArray<Any> = Object.values(groups).flatMap((group) => Object.values(group))

/** The error of an input. */
const refused = (endpoint: Any, input: unknown): QQError.InvalidInput => {
  const result = encode(endpoint, input)
  return Result.isFailure(result) ? result.failure : assert.fail(`${endpoint.name} takes it`)
}

const upper = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1)

/** How people write a name wrong: in another case, and with letters added, left out, replaced or swapped. */
const misspelt = (name: string): ReadonlyArray<string> => {
  const [first = "", ...rest] = name.split("_")
  const half = Math.floor(name.length / 2)
  const at = (from: number, to = name.length) => name.slice(from, to)
  return [
    first + rest.map(upper).join(""),
    upper(name),
    name.toUpperCase(),
    name.replace("_", "-"),
    `${name}s`,
    at(0, half) + at(half + 1),
    `${at(0, half)}#${at(half + 1)}`,
    `${at(0, half - 1)}${at(half, half + 1)}${at(half - 1, half)}${at(half + 1)}`
  ].filter((wrong) => wrong !== name)
}

describe("I1: wrong names", () => {
  it.each(endpoints.map((endpoint) => [endpoint.name, endpoint] as const))("of %s", (_, endpoint) => {
    const fields = fieldsOf(endpoint.input.ast)
    assert.isNotEmpty(fields)
    for (const right of [...fields, "appid", "appsecret", "access_token"]) {
      for (const wrong of [...misspelt(right), ...(endpoint.otherNames?.[right] ?? [])]) {
        const { en, zh } = refused(endpoint, { [wrong]: "the value itself" }).help
        assert.include(en, `write ${right}`, wrong)
        assert.include(zh, `应写作 ${right}`, wrong)
        assert.include(en, wrong)
        assert.notInclude(en + zh, "the value itself")
      }
    }
    for (const right of Object.keys(endpoint.otherNames ?? {})) assert.include(fields, right)
  })

  it("all at once: what is missing, wrong and unknown", () => {
    const input = { toUser: "u", templateId: "t", data: { keyword1: "x" }, emphasis: 1, timeout: 5 }
    const error = refused(SubscribeMessage.send, input)
    assert.strictEqual(error.field, "touser")
    assert.deepStrictEqual(error.problems[0], { field: error.field, problem: error.problem })
    assert.deepStrictEqual(
      error.problems.map(({ field, problem }) => [field, problem.en.replace(/^must be an object.*|known: .*/, "…")]),
      [
        ["touser", "is required and missing (toUser is given: write touser)"],
        ["template_id", "is required and missing (templateId is given: write template_id)"],
        ["data.keyword1", "…"],
        ["emphasis", "is not a parameter of this call (…"],
        [
          "timeout",
          "is not a parameter of this call: give deadline or attemptTimeout in the options, the second argument"
        ]
      ]
    )
    for (const { field, problem } of error.problems) {
      assert.include(error.message, `${field}: ${problem.en}`)
      assert.include(error.help.zh, `${field}：${problem.zh}`)
    }
  })

  it("a name that is not near is answered with those that there are", () => {
    const { help } = refused(
      endpoints.find(({ name }) => name === "acode.getMiniCode")!,
      { scene: "x" }
    )
    assert.include(help.en, "scene: is not a parameter of this call (known: path).")
    assert.include(help.zh, "scene：不是该接口的参数（可用：path）。")
  })

  it("the message stays short when a whole request is passed on", () => {
    const input = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`field${i}`, "x".repeat(i)]))
    const error = refused(SubscribeMessage.send, input)
    assert.strictEqual(error.problems.length, 5_003)
    assert.include(error.help.en, "(and 4993 more)")
    assert.include(error.help.zh, "（另有 4993 处）")
    assert.isBelow(error.message.length, 1_000)
  })

  it("an error from an older version has its one problem", () => {
    const problem = { en: "is empty", zh: "不能为空" }
    const old = { _tag: "InvalidInput", field: "content", problem }
    const error = Schema.decodeUnknownSync(QQError.InvalidInput)(old)
    assert.deepStrictEqual(error.problems, [{ field: "content", problem }])
  })
})
