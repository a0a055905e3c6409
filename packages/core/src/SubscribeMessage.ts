/**
 * Subscription messages: `subscribeMessage.send`.
 */
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Endpoint from "./Endpoint.ts"
import { both, Ok, Text } from "./internal/schema.ts"
import { perUser } from "./Quota.ts"

const Value = Schema.Union([Schema.String, Schema.Finite]).pipe(
  Schema.decodeTo(Schema.String, {
    decode: SchemaGetter.transform((value: string | number) => String(value)),
    encode: SchemaGetter.transform((value: string) => value)
  })
)

const Message = Schema.Struct({
  touser: Text,
  template_id: Text,
  page: Schema.optional(Text),
  data: Schema.Record(Schema.String, Schema.Struct({ value: Value })).check(
    Schema.makeFilter((data) =>
      Object.keys(data).length > 0 ? undefined : both("needs at least one keyword", "至少需要一个关键词")
    )
  ),
  emphasis_keyword: Schema.optional(Text),
  oac_appid: Schema.optional(Text),
  use_robot: Schema.optional(Schema.Union([Schema.Boolean, Schema.Literals([0, 1])]))
})

/**
 * Sends a subscription message to a user who asked for it.
 *
 * - `touser`: the user's openid.
 * - `template_id`: the template's id from q.qq.com.
 * - `page`: the page that a tap opens, with a query if need be.
 * - `data`: the template's keywords, `{ keyword1: { value: "…" } }`.
 * - `emphasis_keyword`: the keyword to print large, as `keyword1.DATA`.
 * - `oac_appid`: the official account to send through, bound to the program.
 * - `use_robot`: whether the program's robot sends it.
 *
 * A message is never sent twice on its own: when it can't be known whether it went out, the call fails with
 * `OutcomeUnknown`. QQ allows each user one message a day. Fails with `NotSubscribed`, `UserRefused`, `TooFrequent`,
 * `QuotaReached` (`46002`), `InvalidInput` (`40037` template_id, `40015` oac_appid, `40035`), `Rejected` (`46004`, `46005`,
 * `47001`). Source: QQ's document "sendSubscriptionMessage".
 */
export const send = Endpoint.post("subscribeMessage.send", "/api/json/subscribe/SendSubscriptionMessage", {
  authority: "access_token",
  input: Message,
  wire: Schema.toType(Message),
  body: "json",
  output: Ok,
  quota: [perUser(1, "day")],
  delivery: "once"
})
