/** D2: when it can't be known whether a send happened, its caller gets `OutcomeUnknown`. */
import { assert, it } from "@effect/vitest"
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
  })
)
