/**
 * Template messages: `templateMessage.send`.
 */
import * as Schema from "effect/Schema"
import * as Body from "./Body.ts"
import * as Endpoint from "./Endpoint.ts"
import { ok, pagePath, Text } from "./internal/schema.ts"
import { templateData, unknownTemplate } from "./internal/template.ts"
import { perDay } from "./Limit.ts"
import { PageMissing } from "./reason/answered.ts"
import { InvalidInput } from "./reason/client.ts"

const message = () =>
  Schema.Struct({
    touser: Text,
    template_id: Text,
    page: Schema.optional(pagePath()),
    form_id: Text,
    data: templateData(),
    emphasis_keyword: Schema.optional(Text)
  })

/**
 * Sends a template message to a user who submitted a form of the program.
 *
 * - `touser`: the user's openid.
 * - `template_id`: the template's id from q.qq.com.
 * - `form_id`: the id that the form's `submit` event gave, with `report-submit`. It allows one message.
 * - `page`: the page that opens when the user taps the message. A query is allowed.
 * - `data`: the template's keywords, `{ keyword1: { value: "…" } }`.
 * - `emphasis_keyword`: the keyword to show in large print, such as `keyword1.DATA`.
 *
 * The client never sends a message twice. If it is unknown whether the message was sent, the call fails with
 * `OutcomeUnknown`. QQ allows 1,000,000 messages a day. Fails with `InvalidInput` (`40037` template_id, `41028` and
 * `41029` form_id), `PageMissing`, `QuotaReached`. Source: QQ's document "sendTemplateMessage".
 */
export const send = /* @__PURE__ */ Endpoint.post("templateMessage.send", "/api/json/template/send", () => ({
  authorization: "access_token",
  input: message(),
  otherNames: { touser: ["openid"] },
  wire: Schema.toType(message()),
  body: Body.json,
  output: ok(),
  codes: [
    unknownTemplate,
    {
      code: 41028,
      reason: InvalidInput,
      field: "form_id",
      help: { en: "The form_id is wrong or has expired.", zh: "form_id 错误或已过期。" }
    },
    {
      code: 41029,
      reason: InvalidInput,
      field: "form_id",
      help: { en: "The form_id was used for an earlier message.", zh: "form_id 已被使用过。" }
    },
    { code: 41030, reason: PageMissing }
  ],
  quota: [perDay(1_000_000)],
  delivery: "once",
  ifUnknown: {
    en: "It can't be known whether QQ sent the message. Its form_id may be used up. Don't send it again blindly: the user may get it twice.",
    zh: "无法确定消息是否已发出，form_id 可能已被使用。请勿直接重发，否则用户可能收到两次。"
  }
}))
