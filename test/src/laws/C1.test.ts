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
  ['{"errCode":0,"errcode":0}', unreadable],
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
it.live.each(rows)("C1: %.80s", ([body, expected]) =>
  Effect.gen(function* () {
    for (const check of [Security.msgSecCheck({ content: "x" }, once), Security.imgSecCheck({ media: image }, once)]) {
      // status and type say nothing
      for (const [status, type] of [
        [200, "application/json"],
        [502, "text/html"]
      ] as const) {
        assert.deepStrictEqual(yield* tag(Effect.provide(check, answering(body, status, type))), expected)
      }
    }
  })
)
