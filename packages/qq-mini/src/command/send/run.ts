/** What `qq-mini send` does: one message, or a broadcast. */
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as Effect from "effect/Effect"
import { withClient } from "../frame/client.ts"
import { both, say } from "../frame/invocation.ts"
import { print } from "../frame/output.ts"
import * as Settings from "../frame/Settings.ts"
import type { Input } from "./command.ts"
import { check } from "./input.ts"
import { sendMany } from "./many.ts"

export { cancel, status } from "./control.ts"

/** Runs the command. */
export const run = Effect.fnUntraced(function* (input: Input) {
  const checked = yield* check(input)
  const settings = yield* Settings.read
  if (!("openid" in checked)) return yield* sendMany(settings, checked)
  const { data, openid, page, template } = checked
  yield* SubscribeMessage.send({
    touser: openid,
    template_id: template,
    page,
    data: Object.fromEntries(Object.entries(data).map(([name, value]) => [name, { value }]))
  }).pipe(withClient(settings))
  yield* print({ openid, result: "sent" }, say(both("Sent.", "已发送。")))
})
