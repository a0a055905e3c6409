/** I1: a parameter of a wrong kind is refused in English and in Chinese, each in its own words, and its value is not shown. */
import { assert, describe, it } from "@effect/vitest"
import type { Any } from "@qq-mini/core/Endpoint"
import { groups } from "@qq-mini/core/Endpoints"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { encode } from "../src/call/encode.ts"
import * as Endpoint from "../src/Endpoint.ts"
import { fieldsOf } from "../src/internal/problem.ts"
import * as SubscribeMessage from "../src/SubscribeMessage.ts"

const user = { openid: "u", session_key: "a2V5IG9mIGEgc2Vzc2lvbg==" }
const midas = {
  ...user,
  app_key: "k",
  offer_id: "o",
  ts: 1507530737,
  zone_id: "1",
  pf: "p",
  pfkey: "k",
  sandbox_env: 1
}
const wxOrder = { body: "{}", authorization: "a", real_notify_url: "https://x.example" }

const valid: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "auth.getAccessToken": { cache: true },
  "auth.code2Session": { code: "c", needKey: true },
  "acode.getMiniCode": { path: "pages/index/index" },
  "security.msgSecCheck": { content: "x" },
  "security.imgSecCheck": { media: "R0lGODlhAQABAAAAADs=", prepare: false },
  "security.mediaCheckAsync": { media_url: "https://x.example/y", media_type: 2 },
  "subscribeMessage.send": {
    touser: "u",
    template_id: "t",
    page: "p",
    data: { keyword1: { value: "v" } },
    emphasis_keyword: "keyword1.DATA",
    oac_appid: "1",
    use_robot: 1
  },
  "templateMessage.send": {
    touser: "u",
    template_id: "t",
    page: "p",
    form_id: "f",
    data: { keyword1: { value: "v" } },
    emphasis_keyword: "keyword1.DATA"
  },
  "openData.setUserStorage": { ...user, kv_list: [{ key: "k", value: "" }] },
  "openData.removeUserStorage": { ...user, key: ["k"] },
  "openData.setUserInteractiveData": { ...user, kv_list: [{ key: "1", value: 3 }] },
  "encryption.getUserEncryptKey": user,
  "gamePay.prePay": {
    ...user,
    bill_no: "b",
    amt: 1,
    goodid: "43",
    good_num: 1,
    ts: 1507530737,
    zone_id: "1",
    pf: "p",
    user_ip: "1.2.3.4",
    app_remark: "r"
  },
  "gamePay.checkPay": { ...user, bill_no: "b", prepay_id: "p" },
  "gamePay.getBalance": user,
  "midasPay.pay": { ...midas, bill_no: "b", amt: 1, user_ip: "1.2.3.4", pay_item: "i", app_remark: "r" },
  "midasPay.getBalance": midas,
  "midasPay.present": { ...midas, bill_no: "b", present_counts: 1, user_ip: "1.2.3.4" },
  "wxPayProxy.unifiedOrder": { body: "<xml></xml>", real_notify_url: "https://x.example" },
  "wxPayProxy.h5": wxOrder,
  "wxPayProxy.partnerH5": wxOrder,
  "wxPayProxy.combineH5": wxOrder
}

const wrong: ReadonlyArray<unknown> = [
  42,
  NaN,
  Infinity,
  "",
  "the value itself",
  true,
  null,
  [],
  [1],
  {},
  { value: {} },
  new Date(0),
  () => 1,
  10n,
  Symbol("s"),
  new Uint8Array(3)
]

// What has no Chinese name.
const names = /\b(data URL|appid|base64|URL|PNG|JPEG|GIF|QQ|MB)\b/g

/** Every place in an input, as a path. */
const placesIn = (input: unknown): ReadonlyArray<ReadonlyArray<string>> =>
  typeof input === "object" && input !== null && !Array.isArray(input)
    ? Object.entries(input).flatMap(([key, value]) => [[key], ...placesIn(value).map((path) => [key, ...path])])
    : []

const put = (input: unknown, [key, ...rest]: ReadonlyArray<string>, value: unknown): unknown =>
  key === undefined ? value : { ...(input as object), [key]: put((input as Record<string, unknown>)[key], rest, value) }

const isChinese = ({ en, zh }: { readonly en: string; readonly zh: string }) => {
  assert.match(en, /[a-z]/)
  assert.notMatch(en, /[一-鿿]/)
  assert.match(zh, /[一-鿿]/)
  assert.notMatch(zh.replace(names, "·"), /[A-Za-z]{2,}[\s,/|-]+[A-Za-z]{2,}/, zh)
  assert.notMatch(en + zh, /the value itself|\b42\b|Expected|undefined|\[object/)
}

describe("I1: wrong kinds", () => {
  const endpoints: ReadonlyArray<Any> = Object.values(groups).flatMap((group) => Object.values(group))

  it.each(endpoints.map((endpoint) => [endpoint.name, endpoint] as const))("of %s", (name, endpoint) => {
    const input = valid[name]!
    assert.isTrue(Result.isSuccess(encode(endpoint, input)), name)
    const places = placesIn(input)
    assert.sameMembers(
      places.filter(({ length }) => length === 1).map(([field]) => field),
      fieldsOf(endpoint.input.ast).filter((name) => name !== "base64")
    )
    let refused = 0
    for (const path of places) {
      for (const value of wrong) {
        const result = encode(endpoint, put(input, path, value) as typeof input)
        if (Result.isSuccess(result)) continue
        refused++
        const { field, help, problem, problems } = result.failure
        assert.isTrue(
          field === path.join(".") || field.startsWith(`${path.join(".")}.`),
          `${field} of ${path.join(".")}`
        )
        for (const { problem } of problems) isChinese(problem)
        const all = problems.map(({ field, problem }) => `${field}：${problem.zh}`)
        assert.strictEqual(all[0], `${field}：${problem.zh}`)
        assert.strictEqual(help.zh, `${all.join("；")}。未发送任何请求。`)
      }
    }
    assert.isAbove(refused, 8 * places.length)
    for (const odd of [{ ...input, more: 1 }, {}, "the value itself", null, [input]]) {
      const result = encode(endpoint, odd)
      if (Result.isFailure(result)) isChinese(result.failure.problem)
    }
  })

  it("of an endpoint whose author says nothing in Chinese", () => {
    const endpoint = Endpoint.post("my.call", "/my", () => ({
      authorization: "none",
      input: Schema.Struct({
        count: Schema.Int,
        kind: Schema.Literals(["a", "b"]),
        list: Schema.Array(Schema.Boolean),
        either: Schema.optional(Schema.Union([Schema.String, Schema.Number])),
        own: Schema.String.check(Schema.makeFilter((text) => text === "x", { message: "must be x\n必须是 x" }))
      }),
      wire: Schema.Unknown,
      output: Schema.Unknown,
      delivery: "once"
    }))
    const input = { count: 1, kind: "a", list: [true], either: "x", own: "x" }
    const said = (changed: object) => {
      const result = encode(endpoint, { ...input, ...changed })
      if (Result.isSuccess(result)) assert.fail("was expected to be refused")
      isChinese(result.failure.problem)
      return [result.failure.field, result.failure.problem.en, result.failure.problem.zh]
    }
    assert.isTrue(Result.isSuccess(encode(endpoint, input)))
    assert.deepStrictEqual(said({ count: "1" }), [
      "count",
      "must be a number, not a string",
      "必须是数字，不能是字符串"
    ])
    assert.deepStrictEqual(said({ count: 1.5 }), ["count", "is not valid", "取值无效"])
    assert.deepStrictEqual(said({ kind: "c" }), ["kind", "is not valid", "取值无效"])
    assert.deepStrictEqual(said({ list: {} }), ["list", "must be an array, not an object", "必须是数组，不能是对象"])
    assert.deepStrictEqual(said({ list: [1] }), [
      "list.0",
      "must be a boolean, not a number",
      "必须是布尔值，不能是数字"
    ])
    assert.deepStrictEqual(said({ either: null }), [
      "either",
      "must be a string or a number, not null",
      "必须是字符串或数字，不能是 null"
    ])
    assert.deepStrictEqual(said({ own: "y" }), ["own", "must be x", "必须是 x"])
  })

  const message = valid["subscribeMessage.send"]!
  const refused = (data: unknown): string => {
    const result = encode(SubscribeMessage.send, { ...message, data })
    return Result.isFailure(result) ? `${result.failure.help.en}\n${result.failure.help.zh}` : assert.fail("accepted")
  }

  it("of structured fields: the error shows the structure, and says what is there instead", () => {
    const { data } = message
    for (const wrong of [JSON.stringify(data), JSON.stringify([data])]) {
      assert.match(refused(wrong), /data: must be .* \{ keyword1: \{ value: "x" \} \}, not its JSON: give the object/)
      assert.match(
        refused(wrong),
        /data：必须是.* \{ keyword1: \{ value: "x" \} \}，不能是 JSON 字符串，请直接传入对象。/
      )
    }
    assert.match(refused([data]), /data: must be .*, not an array.*\n.*，不能是数组。/)
    assert.match(refused("keyword1"), /data: must be .*, not a string.*\n.*，不能是字符串。/)
    const both = refused({ keyword1: "x", keyword2: { Value: "x" } })
    assert.match(both, /data\.keyword1: must be an object, as \{ value: "x" \}, not a string; data\.keyword2\.value: /)
    assert.match(both, /value: is required and missing \(Value is given: write value\)/)
    assert.match(both, /\n.*data\.keyword1：必须是对象，如 \{ value: "x" \}，不能是字符串；.*应写作 value/)
    const whole = encode(SubscribeMessage.send, JSON.stringify(message))
    assert.match(
      String(Result.isFailure(whole) && whole.failure.message),
      /input: must be .*touser: …, .*, not its JSON/
    )
  })

  it("of a template's value: what is one text travels as text, and the error says what to write for the rest", () => {
    const values = ["x", "", 1.5, true, false, 12345678901234567890n]
    const data = Object.fromEntries(values.map((value, i) => [`keyword${i}`, { value }]))
    const result = encode(SubscribeMessage.send, { ...message, data })
    const wire = Object.fromEntries(values.map((value, i) => [`keyword${i}`, { value: String(value) }]))
    assert.deepStrictEqual(Result.isSuccess(result) && result.success.wire["data"], wire)
    const said = (value: unknown) => refused({ keyword1: { value } })
    assert.match(said(new Date(0)), /not a Date: write it as its reader should see it, in their time zone/)
    assert.match(said(new Date(0)), /不能是日期对象，请按用户所在时区写成文字/)
    for (const [value, en, zh] of [
      [null, "null", " null"],
      [undefined, "undefined", " undefined"],
      [{}, "an object", "对象"],
      [["x"], "an array", "数组"]
    ] as const) {
      assert.include(said(value), `must be the text that the user sees: a string, a number or a boolean, not ${en}. `)
      assert.include(said(value), `必须是用户看到的文字，可以是字符串、数字或布尔值，不能是${zh}。`)
    }
  })
})
