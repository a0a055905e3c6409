/** C1, fail closed: a check passes only on QQ's explicit yes. */
import { assert, it } from "@effect/vitest"
import * as Security from "@qq-mini/core/Security"
import * as Effect from "effect/Effect"
import { answering, tag } from "../support/answering.ts"
import { image } from "../support/calls.ts"

const once = { attempts: 1 }
const unreadable = "UnreadableAnswer"
const rows: ReadonlyArray<readonly [string, unknown]> = [
  ['{"errCode":0,"errMsg":"ok"}', { risky: false }],
  ['{"errCode":0}', { risky: false }],
  ['{"errCode":0,"errMsg":"ok","more":[1]}', { risky: false }],
  ['{"errCode":87014,"errMsg":"risky content"}', { risky: true }],
  ['{"errcode":87014,"errmsg":"risky content"}', { risky: true }],
  ['{"code":87014}', { risky: true }],
  ['{"errCode":0,"errcode":87014}', { risky: true }],
  // what says two things says nothing
  ['{"errCode":87014,"errCode":0}', unreadable],
  // zeros agree, wherever they stand
  ['{"errCode":0,"errMsg":"ok","errcode":0}', { risky: false }],
  ['{"code":0,"errCode":0,"data":{"code":0,"list":[{"errcode": 0 }]},"x":"\\"code\\": 1"}', { risky: false }],
  ['{"errCode":0,"errCode":0}', unreadable],
  ['{"errCode":0,"data":{"code":0,"code":0}}', unreadable],
  ['{"data":{"code":87014},"data":{},"errCode":0}', unreadable],
  ['{"errCode":0,"errcode":"0"}', unreadable],
  ['{"errCode":0,"data":{"code":0.0}}', unreadable],
  ['{"errCode":0,"data":[{"code":null}]}', unreadable],
  ['{"data":{"errCode":0},"errcode":0}', unreadable],
  [`{"errCode":0,"data":${"[".repeat(100_000)}{"code":1}${"]".repeat(100_000)}}`, unreadable],
  ['{"errCode":0,"data":{"errcode":87014}}', unreadable],
  ['{"errCode":0,"code":"FAIL"}', unreadable],
  ['{"\\u0065rrCode":87014,"errCode":0}', unreadable],
  ['{"errCode":0,"data":{"\\u0063ode":87014}}', unreadable],
  ['{"errCode":0,"errMsg":"\\u597d \\"code\\": 1"}', { risky: false }],
  // as long as answers may be, and nothing but escapes: looked through once, not once for each
  [`{"errCode":0,"errMsg":"${"\\u597d".repeat(170_000)}"}`, { risky: false }],
  ['{"errCode":0,"code":[-1]}', unreadable],
  ['{"errCode":1e-400}', unreadable],
  ['{"errCode":-0}', unreadable],
  ['{"errCode":0.0}', unreadable],
  ["", unreadable],
  ["{}", unreadable],
  ["[]", unreadable],
  ["null", unreadable],
  ["0", unreadable],
  ['"ok"', unreadable],
  ["ok", unreadable],
  ['{"errMsg":"ok"}', unreadable],
  ['{"errCode":null}', unreadable],
  ['{"errCode":""}', unreadable],
  ['{"errCode":"0"}', unreadable],
  ['{"errCode":false}', unreadable],
  ['{"errCode":[0]}', unreadable],
  ['{"errCode":0.1}', unreadable],
  ['{"errCode":0', unreadable],
  // the other spellings are not QQ's yes at a check
  ['{"errcode":0,"errmsg":"ok"}', unreadable],
  ['{"code":0,"msg":"ok"}', unreadable],
  ['[{"errCode":0}]', unreadable],
  ['{"data":{"errCode":0}}', unreadable],
  ['{"__proto__":{"errCode":0}}', unreadable],
  ['<html>{"errCode":0}</html>', unreadable],
  ['{"errCode":0,"errcode":40001}', "InvalidToken"],
  ['{"errcode":"40001"}', "InvalidToken"],
  ['{"errCode":0,"code":-1}', "SystemBusy"],
  ['{"errCode":-1}', "SystemBusy"]
]
const checks = [Security.msgSecCheck({ content: "x" }, once), Security.imgSecCheck({ media: image }, once)]
const isYes = (result: unknown) => typeof result === "object" && (result as Security.Verdict).risky === false

it.live.each(rows)("C1: %.80s", ([body, expected]) =>
  Effect.gen(function* () {
    for (const check of checks) {
      for (const type of ["application/json", "text/html"]) {
        assert.deepStrictEqual(yield* tag(Effect.provide(check, answering(body, 200, type))), expected)
      }
      // a gateway's yes is none of QQ's, but an error code is an error with any status
      for (const status of [307, 503]) {
        const result = yield* tag(Effect.provide(check, answering(body, status)))
        assert.deepStrictEqual(result, isYes(expected) ? unreadable : expected)
      }
    }
  })
)

/** JSON with a text in these bytes. */
const around = (before: string, text: string, after = '"}') =>
  Buffer.concat([Buffer.from(before), Buffer.from(text, "hex"), Buffer.from(after)])

// "参数" and "誠" in GBK, whose second byte is that of a backslash; "𠀀" in GB18030; "参数" in UTF-8, cut in two
const [gbk, backslash, gb18030, cut] = ["b2cecafd", "d55c", "95328236", "e58f82e695b0e58f"]
const inOtherEncodings: ReadonlyArray<readonly [string, string | Buffer, unknown]> = [
  ["a text in GBK", around('{"errCode":40001,"errMsg":"', gbk), "InvalidToken"],
  ["a backslash in GBK", around('{"errMsg":"', backslash, '","errCode":40001}'), "InvalidToken"],
  ["a text in GB18030", around('{"errCode":-1,"errMsg":"', gb18030), "SystemBusy"],
  ["half a character", around('{"errCode":87014,"errMsg":"', cut), { risky: true }],
  ["a mark and GBK", around('\ufeff{"errcode":40013,"errmsg":"', gbk), "InvalidAppId"],
  ["a control character", '{"errcode":40013,"errmsg":"a\nb"}', "InvalidAppId"],
  ["a yes in GBK", around('{"errCode":0,"errMsg":"', gbk), unreadable],
  ["a yes with half a character", around('{"errCode":0,"errMsg":"', cut), unreadable],
  ["a yes with a control character", '{"errCode":0,"errMsg":"a\nb"}', unreadable],
  ["no number", around('{"errCode":"', gbk), unreadable]
]
it.live.each(inOtherEncodings)(
  "C1: QQ's number counts in any encoding, its yes in UTF-8 alone: %s",
  ([, body, expected]) =>
    Effect.gen(function* () {
      for (const check of checks) assert.deepStrictEqual(yield* tag(Effect.provide(check, answering(body))), expected)
    })
)

it.live("C1: a text of QQ's is decoded, or left out", () =>
  Effect.gen(function* () {
    const token = "aTokenOfTheCaller"
    const textOf = (body: Uint8Array) =>
      Effect.map(
        Effect.flip(Effect.provide(Security.msgSecCheck({ content: "x", access_token: token }, once), answering(body))),
        ({ reason }) => ("text" in reason ? reason.text : undefined)
      )
    const before = '{"errCode":40001,"errMsg":"'
    assert.strictEqual(yield* textOf(around(before, gbk + backslash)), "参数誠")
    assert.strictEqual(yield* textOf(around(before, cut)), "")
    assert.strictEqual(yield* textOf(around(before, `${gbk}ff`)), "")
    // S1: half a character takes in the first letter of the token
    assert.strictEqual(yield* textOf(around(before, "d5", `${token}"}`)), "")
    assert.strictEqual(yield* textOf(around(before, gbk, `${token}"}`)), "参数<redacted>")
  })
)
