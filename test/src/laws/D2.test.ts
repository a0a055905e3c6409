/** D2: when it can't be known whether a send happened, its caller gets `OutcomeUnknown`. */
import { assert, it } from "@effect/vitest"
import * as Acode from "@qq-mini/core/Acode"
import * as Auth from "@qq-mini/core/Auth"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as Effect from "effect/Effect"
import { answering, tag } from "../support/answering.ts"

it.live.each([
  ['{"errcode":0,"errmsg":"ok"}', undefined],
  ['{"errcode":0}', undefined],
  ['{"errCode":0}', undefined],
  ['{"code":0}', "OutcomeUnknown"],
  ["{}", "OutcomeUnknown"],
  ['{"errcode":46003}', "UserRefused"],
  ['{"errcode":99999,"errmsg":"new"}', "Rejected"]
] as const)("D2: a message answered by %s", ([body, expected]) =>
  Effect.gen(function* () {
    const send = SubscribeMessage.send({ touser: "X", template_id: "T", data: { keyword1: { value: "" } } })
    assert.strictEqual(yield* tag(Effect.provide(send, answering(body))), expected)
    assert.strictEqual(yield* tag(Effect.provide(send, answering(body, 307))), expected ?? "OutcomeUnknown")
  })
)

it.live.each([
  [
    "a message",
    SubscribeMessage.send({ touser: "X", template_id: "T", data: { keyword1: { value: "" } } }),
    "收到两次"
  ],
  ["a mini code", Acode.getMiniCode(), "再用掉一个"],
  ["a login", Auth.code2Session({ code: "C" }, { attempts: 1 }), "重新调用 qq.login"]
] as const)("D2: %s with an unknown outcome says what that means for it", ([, call, words]) =>
  Effect.gen(function* () {
    for (const body of ["", '{"code":0,"session_key":"x"}']) {
      const { reason } = yield* Effect.flip(Effect.provide(call, answering(body)))
      assert.strictEqual(reason._tag, "OutcomeUnknown")
      assert.include(reason.help.zh, words)
      // and nothing of trying again
      assert.match(reason.message.replace(reason.help.en, ""), /^ Because: UnreadableAnswer\. Found: [^.]*\.$/)
    }
  })
)

it.live.each([
  ['{"errcode":40029,"errmsg":"invalid code"}', "InvalidCode", '(QQ: 40029 "invalid code")', "qq.login"],
  ['{"errcode":40163,"errmsg":"code been used"}', "InvalidCode", '(QQ: 40163 "code been used")', "qq.login"],
  ['{"errcode":-1009}', "Rejected", "(QQ: -1009)", "参数有误"]
] as const)("a login answered by %s", ([body, expected, detail, words]) =>
  Effect.gen(function* () {
    const { reason } = yield* Effect.flip(Effect.provide(Auth.code2Session({ code: "c" }), answering(body)))
    assert.strictEqual(reason._tag, expected)
    assert.strictEqual(reason.detail, detail)
    assert.include(reason.help.zh, words)
  })
)
