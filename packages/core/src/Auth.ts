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

// Seconds; QQ names 7200 as the longest, so what is longer is taken for that.
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
 * - `cache` (default `true`): `false` fetches a new one, which then is everybody's. QQ ends the old one 5 minutes later.
 *
 * The fetch is shared by all who wait, so of the options only `deadline` is this call's own. You rarely need it: every call finds its token itself. A token lives for 2 hours as a rule; keep room for 512 characters.
 * Fails with `WrongSecret`, `InvalidAppId`, `SystemBusy`. Source: QQ's document "getAccessToken".
 */
export const getAccessToken = /* @__PURE__ */ Endpoint.get("auth.getAccessToken", "/api/getToken", () => ({
  authority: "secret",
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

/** Who logged in. */
export interface Session {
  /** The user within this program: 32 upper-case hexadecimal digits. */
  readonly openid: string
  /** The key of this login, base64 of 16 bytes; only when `needKey` asked for it. It must never reach a client. */
  readonly session_key?: Redacted.Redacted<string>
  /** The user across the programs of one developer, `UID_…`, where QQ gives one. */
  readonly unionid?: string
}

/**
 * Turns the code of `qq.login` into the user's openid.
 *
 * - `code`: valid for 5 minutes, once.
 * - `needKey` (default `false`): also gives `session_key`.
 *
 * QQ allows 100 a minute for each user. Fails with `InvalidCode`, `TooFrequent`, `WrongSecret`, `InvalidAppId`, and with
 * `OutcomeUnknown` when the code may have been used up by an attempt that got lost. Source: QQ's document "code2Session".
 */
export const code2Session = /* @__PURE__ */ Endpoint.get("auth.code2Session", "/sns/jscode2session", () => ({
  authority: "secret",
  input: loginInput(),
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
    // the rest as other clients' code knows it
    { code: -2100, reason: InvalidCode },
    { code: -101222100, reason: WrongSecret },
    { code: -101600007, reason: InvalidAppId }
  ],
  quota: [perUser(100, "minute")],
  delivery: "singleUse"
}))
