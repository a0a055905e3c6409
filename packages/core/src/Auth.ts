/**
 * Tokens and login: `auth.getAccessToken`, `auth.code2Session`.
 */
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Endpoint from "./Endpoint.ts"
import { Secret, Text } from "./internal/schema.ts"
import { perUser } from "./Limit.ts"
import { InvalidAppId, InvalidCode, Rejected, WrongSecret } from "./reason/answered.ts"

// Seconds. QQ documents 7200 as the maximum, so larger values are cut to that.
const lifetime = () =>
  Schema.Union([Schema.Finite, Schema.String]).pipe(
    Schema.decodeTo(Schema.Finite.check(Schema.makeFilter((seconds) => seconds >= 1)), {
      decode: SchemaGetter.transform((seconds: number | string) => Math.min(Number(seconds), 7_200)),
      encode: SchemaGetter.transform((seconds: number) => seconds)
    })
  )

const tokenInput = () => Schema.Struct({ cache: Schema.optional(Schema.Boolean) })

/**
 * The program's access token.
 *
 * - `cache` (default `true`): `false` fetches a new token, which all callers use from then on. The old token stays
 *   valid for 5 minutes.
 *
 * You rarely need this call: every other call gets its token automatically. The fetch is shared by all waiting callers,
 * so `deadline` is the only option that applies. A token is usually valid for 2 hours and has up to 512 characters.
 * Fails with `WrongSecret`, `InvalidAppId`, `SystemBusy`. Source: QQ's document "getAccessToken".
 */
export const getAccessToken = /* @__PURE__ */ Endpoint.get("auth.getAccessToken", "/api/getToken", () => ({
  authorization: "secret",
  input: tokenInput(),
  wire: Schema.Struct({ grant_type: Schema.Literal("client_credential") }).pipe(
    Schema.decodeTo(Schema.toType(tokenInput()), {
      decode: SchemaGetter.transform(() => ({})),
      encode: SchemaGetter.transform(() => ({ grant_type: "client_credential" as const }))
    })
  ),
  output: Schema.Struct({ access_token: Secret(4096), expires_in: lifetime() }),
  select: (answer): Redacted.Redacted<string> => answer.access_token,
  codes: [
    { code: 40001, reason: WrongSecret },
    {
      code: 40002,
      reason: Rejected,
      help: { en: "QQ does not accept the grant_type.", zh: "grant_type 不被接受。" }
    }
  ],
  delivery: "repeatable"
}))

const loginInput = () => Schema.Struct({ code: Text, needKey: Schema.optional(Schema.Boolean) })

/** The user of a login. */
export interface Session {
  /** The user's id within this program: 32 upper-case hexadecimal digits. */
  readonly openid: string
  /** The session key of this login, 16 bytes in base64. Present only with `needKey`. It must never reach a client. */
  readonly session_key?: Redacted.Redacted<string>
  /** The user's id across all programs of one developer, `UID_…`, if QQ returns it. */
  readonly unionid?: string
}

/**
 * Turns the code of `qq.login` into the user's openid.
 *
 * - `code`: can be used once, within 5 minutes.
 * - `needKey` (default `false`): also returns `session_key`.
 *
 * QQ allows 100 calls a minute for each user. Fails with `InvalidCode`, `TooFrequent`, `WrongSecret`, `InvalidAppId`,
 * and with `OutcomeUnknown` when a lost attempt may have used the code. Source: QQ's document "code2Session".
 */
export const code2Session = /* @__PURE__ */ Endpoint.get("auth.code2Session", "/sns/jscode2session", () => ({
  authorization: "secret",
  input: loginInput(),
  otherNames: { code: ["js_code"] },
  wire: Schema.Struct({ js_code: Text, grant_type: Schema.Literal("authorization_code") }).pipe(
    Schema.decodeTo(Schema.toType(loginInput()), {
      decode: SchemaGetter.transform(({ js_code }) => ({ code: js_code })),
      encode: SchemaGetter.transform(({ code }) => ({ js_code: code, grant_type: "authorization_code" as const }))
    })
  ),
  secrets: ["js_code"],
  output: Schema.Struct({
    openid: Text,
    session_key: Schema.optional(Secret(1024)),
    unionid: Schema.optional(Schema.NullOr(Schema.String))
  }),
  select: ({ openid, session_key, unionid }, { needKey }): Session => ({
    openid,
    ...(needKey && session_key !== undefined ? { session_key } : {}),
    ...(unionid ? { unionid } : {})
  }),
  codes: [
    { code: 40001, reason: WrongSecret },
    { code: 40029, reason: InvalidCode },
    // QQ does not document the following codes. They come from answers that were seen and the code of other clients.
    { code: 40163, reason: InvalidCode },
    {
      code: -1009,
      reason: Rejected,
      help: {
        en: "Probably a parameter is wrong: check the appid, the AppSecret and the code. QQ does not document this number, so this is not confirmed.",
        zh: "可能是参数有误，请检查 appid、AppSecret 与 code。QQ 文档未说明该错误码，此含义未经证实。"
      }
    },
    { code: -2100, reason: InvalidCode },
    { code: -101222100, reason: WrongSecret },
    { code: -101600007, reason: InvalidAppId }
  ],
  quota: [perUser(100, "minute")],
  delivery: "singleUse",
  ifUnknown: {
    en: "There is no session, and this login code must be taken as used up. Call qq.login again and send the new code.",
    zh: "未取得登录会话，该登录 code 应视为已被使用。请在小程序端重新调用 qq.login 获取新的 code。"
  }
}))
