/**
 * Subscription messages: `subscribeMessage.send`.
 */
import * as Schema from "effect/Schema"
import * as Body from "./Body.ts"
import * as Endpoint from "./Endpoint.ts"
import { both } from "./internal/problem.ts"
import { ok, Text } from "./internal/schema.ts"
import { templateData, unknownTemplate } from "./internal/template.ts"
import { perUser } from "./Limit.ts"
import { NotSubscribed, Rejected, TooFrequent, UserRefused } from "./reason/answered.ts"
import { InvalidInput, QuotaReached } from "./reason/client.ts"

const message = () =>
  Schema.Struct({
    touser: Text,
    template_id: Text,
    page: Schema.optional(Text),
    data: templateData(),
    emphasis_keyword: Schema.optional(Text),
    oac_appid: Schema.optional(Text),
    use_robot: Schema.optional(
      Schema.Union([Schema.Boolean, Schema.Literals([0, 1])]).annotate({
        message: both("must be a boolean, 0 or 1", "必须是布尔值、0 或 1")
      })
    )
  })

/**
 * Sends a subscription message to a user who subscribed to it.
 *
 * - `touser`: the user's openid.
 * - `template_id`: the template's id from q.qq.com.
 * - `page`: the page that opens when the user taps the message. A query is allowed.
 * - `data`: the template's keywords, `{ keyword1: { value: "…" } }`.
 * - `emphasis_keyword`: the keyword to show in large print, such as `keyword1.DATA`.
 * - `oac_appid`: the official account that sends the message. It must be bound to the program.
 * - `use_robot`: whether the program's robot sends it.
 *
 * The client never sends a message twice. If it is unknown whether the message was sent, the call fails with
 * `OutcomeUnknown`. QQ allows one message a day for each user. Fails with `NotSubscribed`, `UserRefused`,
 * `TooFrequent`, `QuotaReached` (`46002`), `InvalidInput` (`40037` template_id, `40015` oac_appid, `40035`), `Rejected`
 * (`46004`, `46005`, `47001`). Source: QQ's document "sendSubscriptionMessage".
 */
export const send = /* @__PURE__ */ Endpoint.post(
  "subscribeMessage.send",
  "/api/json/subscribe/SendSubscriptionMessage",
  () => ({
    authorization: "access_token",
    input: message(),
    otherNames: { touser: ["openid"] },
    wire: Schema.toType(message()),
    body: Body.json,
    output: ok(),
    codes: [
      {
        code: 40003,
        reason: InvalidInput,
        field: "touser",
        help: { en: "The openid is not one of this program.", zh: "openid 不属于该小程序。" }
      },
      {
        code: 40015,
        reason: InvalidInput,
        field: "oac_appid",
        help: { en: "The oac_appid is wrong.", zh: "oac_appid 错误。" }
      },
      {
        code: 40036,
        reason: Rejected,
        help: { en: "An error inside QQ; its text says more.", zh: "QQ 内部错误，请参考返回的说明。" }
      },
      unknownTemplate,
      {
        code: 41030,
        reason: TooFrequent,
        ofUser: true,
        help: {
          en: "Messages to this user follow each other too fast. Wait a minute.",
          zh: "给该用户发送过快，请一分钟后再试。"
        }
      },
      { code: 43101, reason: NotSubscribed },
      { code: 46001, reason: NotSubscribed },
      {
        code: 46002,
        reason: QuotaReached,
        ofUser: true,
        help: {
          en: "This user got today's message already (one a day). Send tomorrow.",
          zh: "今天已给该用户发送过（每天一条），请明天再发。"
        }
      },
      { code: 46003, reason: UserRefused },
      {
        code: 46004,
        reason: Rejected,
        help: { en: "The user does not follow the official account.", zh: "用户未关注该公众号。" }
      },
      {
        code: 46005,
        reason: Rejected,
        help: {
          en: "The official account is not bound to this program. Bind it at q.qq.com.",
          zh: "公众号未与该小程序绑定，请到 q.qq.com 绑定。"
        }
      },
      {
        code: 46006,
        reason: UserRefused,
        help: { en: "The user closed the permission for these messages.", zh: "用户已关闭该消息的授权。" }
      },
      {
        code: 47001,
        reason: Rejected,
        help: {
          en: "The program is banned from sending. See q.qq.com.",
          zh: "该小程序已被封禁发送能力，请到 q.qq.com 查看。"
        }
      },
      {
        code: 47003,
        reason: InvalidInput,
        field: "data",
        help: { en: "The data does not fit the template's keywords.", zh: "data 与模板的关键词不符。" }
      }
    ],
    quota: [perUser(1, "day")],
    delivery: "once",
    ifUnknown: {
      en: "It can't be known whether QQ sent the message. Don't send it again blindly: the user may get it twice.",
      zh: "无法确定消息是否已发出。请勿直接重发，否则用户可能收到两次。"
    }
  })
)
