/**
 * Keys to encrypt what a program and its server send each other: `encryption.getUserEncryptKey`.
 */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Endpoint from "./Endpoint.ts"
import { jsonContent } from "./internal/composed.ts"
import { Integer64, Secret, secretText, Text } from "./internal/schema.ts"
import { encryptKey } from "./Signature.ts"

const user = () => Schema.Struct({ openid: Text, session_key: secretText() })

/** A key of a user. */
export interface UserEncryptKey {
  /** The key, in base64. It must never reach a client: the program has its own way to it. */
  readonly encrypt_key: Redacted.Redacted<string>
  /** The initialisation vector, in base64. */
  readonly iv?: string | undefined
  /** The number of the key. The program names the one that it used. */
  readonly version: number
  /** For how many seconds the key is still valid. */
  readonly expire_in?: number | undefined
  /** When the key was made, in seconds since 1970. */
  readonly create_time?: number | undefined
}

/**
 * The last keys of a user, with which `qq.getUserCryptoManager` encrypts in the program.
 *
 * - `openid`, `session_key`: of the user's last login.
 *
 * Not in QQ's documents that are left: the call and its answer come from the code of other clients.
 */
export const getUserEncryptKey = /* @__PURE__ */ Endpoint.post(
  "encryption.getUserEncryptKey",
  "/api/trpc/userEncryptionSvr/GetUserEncryptKey",
  () => ({
    authorization: "access_token",
    input: user(),
    wire: Schema.toType(user()),
    compose: ({ appid, wire: { openid, session_key } }) =>
      Effect.map(encryptKey(session_key), (sig) => ({
        ...jsonContent({}),
        query: [
          ["appid", appid ?? ""],
          ["openid", openid],
          ["openkey", session_key],
          ["sig", sig]
        ]
      })),
    appid: true,
    secrets: ["session_key"],
    output: Schema.Struct({
      key_info_list: Schema.Array(
        Schema.Struct({
          encrypt_key: Secret(1024),
          iv: Schema.optional(Schema.String),
          version: Integer64,
          expire_in: Schema.optional(Integer64),
          create_time: Schema.optional(Integer64)
        })
      )
    }),
    select: ({ key_info_list }): { readonly key_info_list: ReadonlyArray<UserEncryptKey> } => ({ key_info_list }),
    delivery: "repeatable"
  })
)
